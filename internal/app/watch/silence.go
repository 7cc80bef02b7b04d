package watch

import (
	"context"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/app/outbox"
	"github.com/rootkeep/rootkeep/internal/notify"
	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
)

// unheard is how long what is behind a source may not answer, once it was to be asked
// again, before somebody is told.
const unheard = 10 * time.Minute

// check tells of sources that are silent, and of those that cannot read something.
func (w *Watcher) check(ctx context.Context) error {
	var all []notify.Notice
	for _, s := range w.sources {
		all = append(all, s.worries(w.config.Now(), w.config.Link)...)
	}
	if len(all) == 0 {
		return nil
	}
	err := w.config.Store.Touch(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, n := range all {
			if err := w.config.Outbox.Put(ctx, tx, n); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		w.config.Outbox.Wake()
	}
	return err
}

// worries are what somebody has to be told of a source. The same silence has one ID, and
// so has the same fault within a day.
func (s *source) worries(now time.Time, link string) []notify.Notice {
	st := s.status()
	var out []notify.Notice
	tell := func(topic string, level rootkeep.Severity, since, title, body string) {
		out = append(out, notify.Notice{
			ID: outbox.ID(topic, s.Name(), since), Topic: topic, Severity: level, Title: title, Text: body, Subject: s.Name(), Link: link, At: now.UTC().Truncate(time.Second),
		})
	}
	if st.Elsewhere {
		return nil // who reads it tells
	}
	heard, last := later(st.Heard, st.began), later(st.Last, st.began)
	switch silence := s.config.silence(); {
	case now.Sub(heard) >= unheard+time.Duration(s.config.Every):
		tell("source-silent", rootkeep.High, heard.Format(time.RFC3339), "The live source "+s.Name()+" does not answer",
			fmt.Sprintf("It last answered %s ago. Until it does, uses of root users are not seen by it.\n%s", text.Span(now.Sub(heard)), st.Fault))
	case silence > 0 && now.Sub(last) >= silence:
		tell("source-silent", rootkeep.High, last.Format(time.RFC3339), "The live source "+s.Name()+" brings nothing any more",
			fmt.Sprintf("It brought the last object %s ago. A trail that was stopped, or a copy that does not run, looks like this; so does an account in which nothing happens.", text.Span(now.Sub(last))))
	case st.Fault != "":
		tell("source-fault", rootkeep.Medium, now.UTC().Format(time.DateOnly), "The live source "+s.Name()+" cannot read something", st.Fault)
	}
	if st.Skipped > 0 && now.Sub(st.SkippedAt) < 24*time.Hour { // once for each day on which some were
		tell("source-fault", rootkeep.Medium, "skipped "+st.SkippedAt.UTC().Format(time.DateOnly), "Objects of the live source "+s.Name()+" were skipped",
			fmt.Sprintf("%s could not be read since the server started; what they held is not known. The last one: %s", text.Counted(st.Skipped, "object"), st.Latest))
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
