package detect

import (
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/field"
	"github.com/rootkeep/rootkeep/internal/detect/seen"
	"github.com/rootkeep/rootkeep/internal/detect/span"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// event copies out of the record what an alert shows, once for each record.
func (w *Worker) event() *rootkeep.Event {
	if w.built == nil {
		if p, ok := w.numbered(); ok {
			e := p.Event(&w.names)
			w.built = &e
		} else {
			w.built = w.whole()
		}
	}
	return w.built
}

// piece copies the same as evidence.
func (w *Worker) piece() span.Piece {
	if p, ok := w.numbered(); ok {
		return p
	}
	return span.Whole(w.event())
}

// numbered is the piece of an event whose ID is a UUID, unless names are full.
func (w *Worker) numbered() (p span.Piece, ok bool) {
	v, number := w.view, w.names.Number
	if p.ID, ok = seen.ParseID(v.Text(field.ID)); !ok {
		return p, false
	}
	p.Time, p.File, p.Offset, p.Actor = w.time, w.file, w.record.Offset, w.actorOf(v)
	p.Name, p.Source, p.Account, p.Region = number(v.Text(field.Name)), number(v.Text(field.Source)), number(w.account(v)), number(v.Text(field.Region))
	p.Address, p.Agent, p.ErrorCode, p.Target = number(v.Text(field.Address)), number(v.Text(field.Agent)), number(field.Failure(v)), number(field.Target(v))
	return p, p.Numbered()
}

// whole is the event with texts of its own. Longer text than any real one is cut: an
// alert quotes a record, the record itself lies where the alert says.
func (w *Worker) whole() *rootkeep.Event {
	v, text := w.view, func(b []byte) string { return string(tally.Cut(b)) }
	kind, account, arn, key, session := field.Caller(v)
	return &rootkeep.Event{
		Time: time.Unix(w.time, 0).UTC(), ID: text(v.Text(field.ID)), Name: text(v.Text(field.Name)), Source: text(v.Text(field.Source)),
		Account: rootkeep.AccountID(text(w.account(v))), Region: rootkeep.Region(text(v.Text(field.Region))),
		Actor: rootkeep.Actor{
			Type: text(kind), Account: rootkeep.AccountID(text(account)), ARN: text(arn),
			Principal: text(w.principalOf(v)), AccessKeyID: text(key), Session: text(session),
		},
		Address: text(v.Text(field.Address)), Agent: text(v.Text(field.Agent)), ErrorCode: text(field.Failure(v)), Target: text(field.Target(v)),
		File: w.file, Offset: w.record.Offset,
	}
}
