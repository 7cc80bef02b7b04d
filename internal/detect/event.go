package detect

import (
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/detect/tally"
)

// event copies out of the record what an alert shows, once for each record.
func (w *Worker) event() *rootkeep.Event {
	if w.built != nil {
		return w.built
	}
	v := w.view
	e := &rootkeep.Event{
		Time:      time.Unix(w.time, 0).UTC(),
		ID:        string(tally.Cut(v.Text(fID))),
		Name:      w.text(v.Text(fName)),
		Source:    w.text(v.Text(fSource)),
		Account:   rootkeep.AccountID(w.text(w.account(v))),
		Region:    rootkeep.Region(w.text(v.Text(fRegion))),
		Actor:     w.actorOf(v),
		Address:   w.text(v.Text(fAddress)),
		Agent:     w.text(v.Text(fAgent)),
		ErrorCode: w.text(v.Text(fError)),
		Target:    w.target(v),
		File:      w.file,
		Offset:    w.record.Offset,
	}
	if e.ErrorCode == "" && outcome(v) == outcomeFailure {
		e.ErrorCode = w.text(v.Text(fMessage))
	}
	w.built = e
	return e
}

// text interns what evidence repeats. Longer text than any real one is cut: an
// alert quotes a record, the record itself lies where the alert says.
func (w *Worker) text(b []byte) string {
	if n := w.names.Number(b); n != tally.Others {
		return w.names.Text(n)
	}
	return string(tally.Cut(b))
}

// target finds what the call touched in the request; "" when it is not said.
func (w *Worker) target(v *rootkeep.View) string {
	for field := firstTarget; field < scannedFields; field++ {
		if val := v.At(field); val.Kind == rootkeep.String && len(val.Text) > 0 {
			return string(tally.Cut(val.Text))
		}
	}
	return ""
}
