// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <boost/describe/bases.hpp>
#include <boost/describe/enumerators.hpp>
#include <boost/describe/members.hpp>
#include <boost/describe/modifiers.hpp>
#include <boost/mp11/algorithm.hpp>
#include <boost/mp11/list.hpp>
#include <boost/pfr/tuple_size.hpp>

#include <type_traits>

/// Access to the members of structs and the enumerators of enumerations that Boost.Describe lists.
namespace einhyrningsins::model {

/// A struct with a BOOST_DESCRIBE_STRUCT. Members of its bases are included.
template <class T>
concept described = boost::describe::has_describe_members<T>::value;

template <described T>
using members_of = boost::describe::describe_members<T, boost::describe::mod_public |
                                                            boost::describe::mod_inherited>;

/// Whether the description of T lists all its members. Always true for a struct with bases, whose
/// number of members cannot be determined.
template <described T>
constexpr bool lists_every_member() {
    using boost::describe::mod_any_access;
    if constexpr (boost::mp11::mp_empty<boost::describe::describe_bases<T, mod_any_access>>::value)
        return boost::mp11::mp_size<members_of<T>>::value == boost::pfr::tuple_size_v<T>;
    else
        return true;
}

/// An enumeration with a BOOST_DESCRIBE_ENUM.
template <class T>
concept named = std::is_enum_v<T> && boost::describe::has_describe_enumerators<T>::value;

/// Calls visit(member) for each member of T in the order of the description: member.name is its
/// name and value.*member.pointer accesses it. Does not compile if the description is incomplete.
template <described T, class Visit>
constexpr void for_each_member(Visit visit) {
    static_assert(lists_every_member<T>(), "BOOST_DESCRIBE_STRUCT must list every member");
    boost::mp11::mp_for_each<members_of<T>>(visit);
}

/// Calls visit(enumerator) for each enumerator of E, with its `name` and its `value`.
template <named E, class Visit>
constexpr void for_each_enumerator(Visit visit) {
    boost::mp11::mp_for_each<boost::describe::describe_enumerators<E>>(visit);
}

} // namespace einhyrningsins::model
