package proof

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/report/evidence"
	"github.com/rootkeep/rootkeep/internal/report/oscal"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/entries"
	"github.com/rootkeep/rootkeep/internal/store/rootlog"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/ledger"
)

// mostRecords bounds the records of events that a bundle holds, bytes.
const mostRecords = 128 << 20

// RootTold is what a bundle tells of root users.
type RootTold struct {
	From     time.Time    `json:"from"`
	To       time.Time    `json:"to"`
	AsOf     time.Time    `json:"as_of"`
	Requests int          `json:"requests"`
	Verdicts story.Counts `json:"verdicts"`
	Cases    int          `json:"cases"`
	Accounts int          `json:"accounts"`
	Claims   int          `json:"claims"` // accounts of which it is said that no use lacks an explanation
	Gaps     int          `json:"gaps"`   // entries that do not tell what they ought to
	Differs  int          `json:"judged_differently"`
	Records  int          `json:"records"`
	Lost     int          `json:"records_missing"` // that the store does not hold, or there is no room for
	Unlike   int          `json:"records_unlike"`  // records that tell another event than the ledger
}

// Whole says whether the bundle holds all that belongs in it, and nothing speaks against it.
func (t *RootTold) Whole() bool {
	return t.Gaps+t.Differs+t.Lost+t.Unlike == 0
}

// tell has the story take an entry in.
func (b *bundle) tell(e *entries.Entry, there []ledger.Payload) {
	if b.root == nil {
		return
	}
	one := story.Entry{N: e.N, Entry: &e.Entry, Payloads: map[string][]byte{}}
	if story.Wants(e.Type) {
		for _, p := range there {
			one.Payloads[p.Name] = p.Data
		}
	}
	b.root.Add(one)
}

// rootFiles puts what the entries tell of root into the bundle, and the records of events.
func (b *bundle) rootFiles() error {
	if b.root.Full() {
		return fmt.Errorf("the entries tell of more than a bundle holds, such as %d verdicts; hint: a shorter period", story.MostVerdicts)
	}
	s := b.root.Story()
	files, err := s.Files()
	if err != nil {
		return err
	}
	results, err := oscal.Write(b.head.Origin, s)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := evidence.WriteRoot(&page, b.head.Origin, s); err != nil {
		return err
	}
	files = append(files, story.File{Name: oscal.File, Text: results}, story.File{Name: evidence.RootPage, Text: page.Bytes()})
	for _, f := range files {
		if err := b.Put(f.Name, f.Text); err != nil {
			return err
		}
	}
	t := b.out.Root
	t.AsOf, t.Requests, t.Verdicts, t.Cases, t.Accounts, t.Gaps, t.Differs = s.AsOf, len(s.Requests), s.Tally(), len(s.Cases), len(s.Claims), len(s.Gaps), len(s.Judge())
	for i := range s.Claims {
		if s.Claims[i].Made {
			t.Claims++
		}
	}
	b.contents.Root = &ledger.Period{From: t.From, To: t.To}
	return b.records(s)
}

// records puts the records of events in, as they were delivered. One that tells another
// event than the ledger is in the bundle, too: whoever checks it has to see that.
func (b *bundle) records(s *story.Story) error {
	reader, err := story.NewRecords()
	if err != nil {
		return err
	}
	t, room := b.out.Root, mostRecords
	for _, v := range s.Verdicts {
		e, err := rootlog.EventOf(b.ctx, b.r, sight.All(), v.Key)
		if errors.Is(err, store.ErrNotFound) {
			t.Lost++
			continue
		}
		if err != nil {
			return err
		}
		if len(e.Raw) == 0 || len(e.Raw) > room {
			t.Lost++
			continue
		}
		room -= len(e.Raw)
		if err := reader.Tells(b.ctx, e.Raw, v); err != nil || v.Recorded() && !v.Records(e.Raw) {
			t.Unlike++
		}
		if err := b.Put(story.RawFile(v.Key), e.Raw); err != nil {
			return err
		}
		t.Records++
	}
	return nil
}
