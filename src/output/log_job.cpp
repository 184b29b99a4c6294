// SPDX-License-Identifier: GPL-3.0-or-later
#include "output/log_job.hpp"

namespace einhyrningsins::output {
namespace {

log_file& opened(shared_log_file& shared, moment now) {
    if (shared.file) return *shared.file;
    shared.file.emplace(shared.from, now);
    shared.from = {};
    return *shared.file;
}

void take(log_file& file, const log_job::piece& piece, int pipe, moment now) {
    if (piece.lost > 0) file.note_gap(piece.from, piece.lost, now);
    if (!piece.text.empty()) file.take(piece.from, piece.text, now, piece.insists);
    if (piece.piped > 0) file.take(piece.from, pipe, piece.piped, now, piece.insists);
    if (piece.ends) file.finish(piece.from, now);
}

log_view view_of(const log_file& file, moment now) {
    return {.count = file.count(),
            .pending = file.pending(),
            .failing = file.is_failing(),
            .device = file.device(),
            .holder = file.holder(),
            .holds = file.holds(),
            .due = file.next_deadline(now)};
}

} // namespace

log_outcome carry_out(log_job& job, shared_log_file& on) {
    if (job.closes) {
        on.file.reset();
        return {};
    }
    moment now = moment::now();
    log_file& file = opened(on, now);
    file.change(std::move(job.spec));
    file.limit_pending(job.pending_limit);
    file.count_lost(job.lost);
    for (auto& [id, unwritten] : job.joined)
        file.attach(id, std::move(unwritten), now);
    for (const log_job::piece& piece : job.pieces)
        take(file, piece, job.pipe ? job.pipe->read.get() : -1, now);
    file.tend(now);
    if (job.flushes) file.flush(now);
    return {view_of(file, moment::now()), file.take_notes(), std::move(job.pipe)};
}

} // namespace einhyrningsins::output
