package detect

import (
	"encoding/binary"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// arrival is what counting an event takes. Most events wait for the verdict
// whether they are duplicates without their record.
type arrival struct {
	number int64 // of the record, in the order of reading
	time   int64
	place  *tally.Spot // nil when eventTime cannot be read
	call   *call       // nil when no rule matched, or the record is at hand
	source *source
	offset int64
}

// source is the file and the account of events: a file is of one.
type source struct {
	file, account string
	number        seen.Account
}

// arrive notes where and when the record at hand came.
func (w *Worker) arrive(v *rootkeep.View, timed bool) arrival {
	w.records++
	account := w.account(v)
	w.source = w.sourceOf(account)
	a := arrival{number: w.records, time: w.time, source: w.source, offset: w.record.Offset}
	if timed {
		a.place = w.places.At(account, v.Text(field.Region))
	}
	return a
}

// sourceOf is the source of the record at hand, which is of the account.
func (w *Worker) sourceOf(account []byte) *source {
	if string(account) == w.source.account && w.file == w.source.file {
		return w.source
	}
	return &source{file: w.file, account: string(tally.Cut(account)), number: w.hunt.seen.Account(account)}
}

// postpone lets an event wait for its verdict if nothing but counts depends on it;
// false when the record itself is needed.
func (w *Worker) postpone(v *rootkeep.View, a *arrival) bool {
	var mark seen.Mark
	if len(w.matched) > 0 {
		if w.asksMore() {
			return false
		}
		w.failed, w.threats = field.Outcome(v) != field.Succeeded, nil
		if a.call = w.callOf(v); !a.call.adds(a.time) {
			return false
		}
		if a.call.mark == 0 {
			a.call.mark = w.mark(v)
		}
		mark = a.call.mark
		a.call.waiting++ // before Add, which may settle it at once
	}
	if w.batch.Add(w.source.number, v.Text(field.ID), mark, a) {
		return true
	}
	if a.call != nil {
		a.call.waiting--
	}
	return false
}

// asksMore says that something besides counts depends on what matched.
func (w *Worker) asksMore() bool {
	return w.hunt.options.OnMatch != nil || !w.hunt.options.Atlas.Threats.Empty() ||
		slices.ContainsFunc(w.matched, func(n int32) bool { return w.hunt.pack.rules[n].asksMore })
}

// settle takes the verdict about an event that waited.
func (w *Worker) settle(a *arrival, id seen.ID, verdict seen.Verdict) {
	if verdict == seen.Altered {
		w.alter(rootkeep.Event{Time: unix(a.time), ID: id.String(), Account: rootkeep.AccountID(a.source.account), File: a.source.file, Offset: a.offset})
	}
	counted := w.count(a, verdict)
	if a.call == nil {
		return
	}
	if counted {
		w.totals.Matches += int64(len(a.call.matched))
		w.add(a.call, a.time)
	}
	a.call.waiting--
	w.release(a.call)
}

// verdict looks the record at hand up. A record that shares its ID with another
// but not what rules make of it is judged as well: otherwise a harmless record
// with the ID of a telling one would hide it.
func (w *Worker) verdict(v *rootkeep.View) seen.Verdict {
	id := v.Text(field.ID)
	if len(id) == 0 {
		return seen.Fresh // nothing to compare: better twice than not at all
	}
	verdict := w.hunt.seen.Add(w.source.number, w.account(v), id, w.mark(v))
	if verdict == seen.Altered {
		w.alter(*w.event())
	}
	return verdict
}

// mark stands for what rules made of the record at hand.
func (w *Worker) mark(v *rootkeep.View) seen.Mark {
	if len(w.matched) == 0 {
		return 0
	}
	w.scratch = w.scratch[:0]
	for _, number := range w.matched {
		w.scratch = binary.LittleEndian.AppendUint32(w.scratch, uint32(number))
	}
	w.scratch = append(append(w.scratch, v.Text(field.Address)...), v.Text(field.ARN)...)
	if w.early {
		w.scratch = append(w.scratch, 0) // a copy from before the period must not hide one within
	}
	return w.hunt.seen.Mark(w.scratch)
}

// count counts one event; false for a duplicate.
func (w *Worker) count(a *arrival, verdict seen.Verdict) bool {
	switch {
	case verdict == seen.Duplicate:
		w.totals.Duplicates++
		return false
	case verdict == seen.Unknown && (w.totals.Approximate == "" || a.number < w.approximate):
		w.totals.Approximate, w.approximate = a.source.file, a.number
	}
	w.totals.Events++
	if a.place == nil {
		w.totals.Untimed++
	} else {
		a.place.Count(a.time)
	}
	return true
}

// alter notes a record that shares its ID with another.
func (w *Worker) alter(e rootkeep.Event) {
	w.totals.Altered++
	if len(w.altered) < maxAltered {
		w.altered = append(w.altered, e)
	}
}

// close counts everything that still waits. The worker reads no more records.
func (w *Worker) close() {
	w.batch.Flush()
	w.enter(w.call, nil, false)
}
