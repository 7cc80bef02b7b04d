package evidence

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/report/oscal"
	"github.com/rootkeep/rootkeep/ledger"
)

// RootPage is the page of a bundle about root users.
const RootPage = "root/index.html"

// RootPart is what a bundle tells of root users, and what stands behind it.
type RootPart struct {
	State State     `json:"state"`
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	AsOf  time.Time `json:"as_of"`
	// What each root of trust is to it: the security keys behind the requests that were
	// granted, AWS's signatures behind the events, the ledger behind the verdicts.
	Approvers State `json:"approvers"`
	AWS       State `json:"aws"`
	Ledger    State `json:"ledger"`

	Requests []RootRequest      `json:"requests"`
	Changes  []RootChange       `json:"changes"` // that verdicts name
	Verdicts []RootVerdict      `json:"verdicts"`
	Claims   []story.Claim      `json:"claims"`
	Gaps     []story.Gap        `json:"gaps"`
	Differs  []story.Difference `json:"judged_differently"`
	Apart    int                `json:"not_judged_again"` // verdicts that the bundle does not hold all the reasons of
	Unjudged []RootEvent        `json:"unjudged"`         // events in log files that AWS signed, of which no verdict is told
	More     int                `json:"unjudged_omitted"`
	// Records are those of events that tell the event of their verdict. What else they say
	// is known of those that AWS signed.
	Records int `json:"records"`
	Hashed  int `json:"records_hashed"` // of which the ledger tells the SHA-256, and they have it
	Lost    int `json:"records_lost"`   // that were kept when they were judged, and are not in the bundle
	Signed  int `json:"records_signed"`
	// OtherPage says that the page about root is not as this version of rootkeep writes it.
	OtherPage bool `json:"other_page"`
}

// RootRequest is a request for root, and who signed it.
type RootRequest struct {
	ID         string            `json:"id"`
	State      string            `json:"state"`
	Granted    bool              `json:"granted"`
	Override   bool              `json:"override"`
	Signatures []story.Signature `json:"signatures"`
	Lacking    string            `json:"lacking,omitempty"`
}

// RootChange is a change that explains events about root users, and who signed it.
type RootChange struct {
	ID         string             `json:"id"`
	Account    rootkeep.AccountID `json:"account"`
	Kind       string             `json:"kind"`
	Sessions   int                `json:"sessions"` // that it was applied in
	Calls      int                `json:"calls"`    // that were made
	Signatures []story.Signature  `json:"signatures"`
	Lacking    string             `json:"lacking,omitempty"`
}

// RootVerdict is a verdict, and the log file of the bundle that has its event.
type RootVerdict struct {
	Key     string             `json:"key"`
	Account rootkeep.AccountID `json:"account"`
	Time    time.Time          `json:"time"`
	Name    string             `json:"name"`
	Verdict rootkeep.Verdict   `json:"verdict"`
	Rule    string             `json:"rule"`
	Request string             `json:"request,omitempty"`
	Event   State              `json:"event"` // proven: a log file that AWS signed has it
	Log     string             `json:"log,omitempty"`
}

// RootEvent is an event that nobody judged.
type RootEvent struct {
	Log  string    `json:"log"`
	ID   string    `json:"id"`
	Time time.Time `json:"time"`
	Name string    `json:"name"`
}

// tell gives the story of the entries of a bundle. Those on its borders have no payloads,
// and tell nothing.
func tell(v *ledger.Verdict, from, to time.Time) *story.Story {
	r := story.New(from, to)
	for i := range v.Entries {
		e := &v.Entries[i]
		if e.Border {
			continue
		}
		one := story.Entry{N: e.Index, Entry: e.Entry, Payloads: map[string][]byte{}}
		if story.Wants(e.Type) {
			for name, file := range e.Files {
				if text, err := v.Read(file); err == nil {
					one.Payloads[name] = text
				}
			}
		}
		r.Add(one)
	}
	return r.Story()
}

// rootPeriod is the period of root, which is shorter than that of the entries: false if
// the bundle tells nothing of root.
func rootPeriod(v *ledger.Verdict) (p ledger.Period, there bool, err error) {
	if !slices.ContainsFunc(v.Others, isRoot) {
		return p, false, nil
	}
	text, err := v.Read(story.PeriodFile)
	if err == nil {
		p.From, p.To, err = story.ReadPeriod(text)
	}
	if err != nil {
		return p, true, fmt.Errorf("%s: %w", story.PeriodFile, err)
	}
	return p, true, nil
}

func isRoot(name string) bool { return strings.HasPrefix(name, "root/") || name == oscal.File }

// RootEntries is the period of entries that a bundle about root users in a period holds.
func RootEntries(p ledger.Period) ledger.Period {
	return ledger.Period{From: p.From.Add(-story.Margin), To: p.To.Add(story.Margin)}
}

// root tells the story of root again from the bundle's own entries, and compares.
func (r *Report) root(ctx context.Context, v *ledger.Verdict) {
	p, there, err := rootPeriod(v)
	if !there {
		return
	}
	r.RootUsers = &RootPart{
		State: Broken, From: p.From, To: p.To, Requests: []RootRequest{}, Changes: []RootChange{}, Verdicts: []RootVerdict{}, Claims: []story.Claim{}, Gaps: []story.Gap{},
		Differs: []story.Difference{}, Unjudged: []RootEvent{}, Approvers: Broken, AWS: Broken, Ledger: Broken,
	}
	if err != nil {
		r.fault(err)
		return
	}
	if len(v.Faults) > 0 {
		return // entries that are not proven tell nothing
	}
	if entries := RootEntries(p); v.Period == nil || !v.Period.From.Equal(entries.From) || !v.Period.To.Equal(entries.To) {
		r.fault(fmt.Errorf("%s: what root did from %s to %s needs the entries from %s to %s, and the bundle holds those of another period",
			story.PeriodFile, p.From.Format(time.RFC3339), p.To.Format(time.RFC3339), entries.From.Format(time.RFC3339), entries.To.Format(time.RFC3339)))
		return
	}
	faults := len(r.Faults)
	s := tell(v, p.From, p.To)
	r.rootFiles(ctx, v, s)
	r.rootStory(s)
	r.rootLogs(ctx, v, s)
	r.RootUsers.settle(r, len(r.Faults) > faults)
}

// rootFiles compares the files about root with what the entries tell.
func (r *Report) rootFiles(ctx context.Context, v *ledger.Verdict, s *story.Story) {
	files, err := s.Files()
	if err == nil {
		var results []byte
		results, err = oscal.Write(v.Origin, s)
		files = append(files, story.File{Name: oscal.File, Text: results})
	}
	if err != nil {
		r.fault(fmt.Errorf("what the entries tell of root cannot be written: %w", err))
		return
	}
	known := map[string]bool{RootPage: true}
	for _, f := range files {
		known[f.Name] = true
		text, err := v.Read(f.Name)
		switch {
		case err != nil:
			r.fault(fmt.Errorf("%s: %w", f.Name, err))
		case !bytes.Equal(text, f.Text):
			r.fault(fmt.Errorf("%s: it does not tell what the entries of the bundle tell, from byte %d on", f.Name, differAt(text, f.Text)))
		}
	}
	var page bytes.Buffer
	text, err := v.Read(RootPage)
	if err = errors.Join(err, WriteRoot(&page, v.Origin, s)); err != nil {
		r.fault(fmt.Errorf("%s: %w", RootPage, err))
	}
	r.RootUsers.OtherPage = !bytes.Equal(text, page.Bytes())
	r.rootRecords(ctx, v, s, known)
}

func differAt(a, b []byte) int {
	for i := range a {
		if i == len(b) || a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

// rootRecords checks that each record tells the event of the verdict that it lies beside,
// and that nothing else lies there.
func (r *Report) rootRecords(ctx context.Context, v *ledger.Verdict, s *story.Story, known map[string]bool) {
	records, err := story.NewRecords()
	if err != nil {
		r.fault(err)
		return
	}
	verdicts := map[string]*story.Verdict{}
	for _, one := range s.Verdicts {
		verdicts[story.RawFile(one.Key)] = one
	}
	for _, name := range v.Others {
		if !isRoot(name) || known[name] {
			continue
		}
		one := verdicts[name]
		if one == nil {
			r.fault(fmt.Errorf("%s: nothing in the entries of the bundle is about it", name))
			continue
		}
		delete(verdicts, name)
		raw, err := v.Read(name)
		if err == nil {
			err = records.Tells(ctx, raw, one)
		}
		if err == nil && one.Recorded() && !one.Records(raw) {
			err = fmt.Errorf("its SHA-256 is %s, and the verdict was reached on a record with %s, as entry %d tells", approval.Sum(raw), *one.Record, one.Entry)
		}
		if err != nil {
			r.fault(fmt.Errorf("%s: %w", name, err))
			continue
		}
		r.RootUsers.Records++
		if one.Recorded() {
			r.RootUsers.Hashed++
		}
	}
	for _, one := range verdicts {
		if one.Recorded() {
			r.RootUsers.Lost++
		}
	}
}

// rootStory takes what the story tells into the report, and judges its events again.
func (r *Report) rootStory(s *story.Story) {
	p := r.RootUsers
	p.AsOf, p.Claims, p.Gaps = s.AsOf, append(p.Claims, s.Claims...), append(p.Gaps, s.Gaps...)
	for _, x := range s.Requests {
		p.Requests = append(p.Requests, RootRequest{x.ID, x.State, x.WasGranted(), x.Override != nil, x.Signatures, x.Lacking})
	}
	for _, c := range s.Changes {
		p.Changes = append(p.Changes, RootChange{c.ID, c.Account, c.Kind, len(c.Sessions), len(c.Calls), c.Signatures, c.Lacking})
	}
	for _, v := range s.Verdicts {
		e := &v.Event
		p.Verdicts = append(p.Verdicts, RootVerdict{v.Key, e.Account, e.Time, e.Source + " " + e.Name, e.Verdict, e.Rule, e.Request, Absent, ""})
		if !v.Compared() {
			p.Apart++
		}
	}
	p.Differs = append(p.Differs, s.Judge()...)
}

// settle says what each root of trust proves of it, and what all of them do.
func (p *RootPart) settle(r *Report, broken bool) {
	p.Ledger, p.Approvers, p.AWS = r.Ledger.State, Absent, Absent
	for _, x := range p.Requests {
		if x.Granted {
			p.Approvers = worse(p.Approvers, signedOr(x.Lacking))
		}
	}
	for _, c := range p.Changes {
		p.Approvers = worse(p.Approvers, signedOr(c.Lacking))
	}
	if r.AWS.State != Absent && len(p.Verdicts)+len(p.Unjudged) > 0 {
		p.AWS = r.AWS.State
		if len(p.Unjudged) > 0 || slices.ContainsFunc(p.Verdicts, func(v RootVerdict) bool { return v.Event != Proven }) {
			p.AWS = worse(p.AWS, Unproven)
		}
	}
	p.State = worse(worse(p.Ledger, p.Approvers), p.AWS)
	if len(p.Differs)+len(p.Gaps)+p.Apart+p.Lost > 0 {
		p.State = worse(p.State, Unproven)
	}
	if broken {
		p.State = Broken
	}
}

// signedOr is whether what was granted is signed as it had to be.
func signedOr(lacking string) State {
	if lacking != "" {
		return Unproven
	}
	return Proven
}

// worse is the worse of two states. What is absent takes nothing from what is there.
func worse(a, b State) State {
	for _, s := range []State{Broken, Unproven, Proven} {
		if a == s || b == s {
			return s
		}
	}
	return Absent
}
