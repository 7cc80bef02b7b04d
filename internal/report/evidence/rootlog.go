package evidence

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/cloudtrail"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/ledger"
)

// signedLog is a log file that is as a digest names it, which AWS signed.
type signedLog struct{ folder, object string }

// maxUnjudged is how many events are named that nobody judged.
const maxUnjudged = 1000

// rootLogs looks for the events of verdicts in the log files that AWS's signatures prove,
// and for events in them that have no verdict.
func (r *Report) rootLogs(ctx context.Context, v *ledger.Verdict, s *story.Story) {
	if len(r.AWS.signed) == 0 {
		return
	}
	copies, err := v.Below(TrailCopies)
	if err != nil || copies == nil {
		return // a fault by now
	}
	records, err := story.NewRecords()
	if err != nil {
		r.fault(err)
		return
	}
	f := &finder{report: r, bundle: v, story: s, byID: map[string][]int{}}
	for i, one := range s.Verdicts {
		f.byID[one.Event.ID] = append(f.byID[one.Event.ID], i)
	}
	for _, file := range signedFiles(copies, r.AWS.signed) {
		in := cloudtrail.Input{Name: file, OneMember: true, Open: func() (io.ReadCloser, error) { return copies.Open(file) }}
		if err := records.Each(ctx, in, func(e *reconcile.Event) { f.event(file, e) }); err != nil {
			r.AWS.lack(TrailCopies+"/"+file, "AWS signed it, and not all of it can be read: "+err.Error())
		}
	}
}

// finder finds the verdicts of events in log files that AWS signed.
type finder struct {
	report *Report
	bundle *ledger.Verdict
	story  *story.Story
	byID   map[string][]int // numbers of verdicts by the IDs of their events
}

func (f *finder) event(file string, e *reconcile.Event) {
	p := f.report.RootUsers
	judged := false
	for _, i := range f.byID[e.ID] {
		if one := f.story.Verdicts[i]; story.Same(&one.Event.Event, e) {
			judged = true
			if p.Verdicts[i].Event != Proven {
				p.Verdicts[i].Event, p.Verdicts[i].Log = Proven, TrailCopies+"/"+file
				f.record(one.Key, e.Raw)
			}
		}
	}
	switch {
	case judged || e.Time.Before(p.From) || !e.Time.Before(p.To):
	case len(p.Unjudged) < maxUnjudged:
		p.Unjudged = append(p.Unjudged, RootEvent{TrailCopies + "/" + file, e.ID, e.Time, e.Source + " " + e.Name})
	default:
		p.More++
	}
}

// record counts the record of an event that is as AWS signed it.
func (f *finder) record(key string, signed []byte) {
	if raw, err := f.bundle.Read(story.RawFile(key)); err == nil && len(signed) > 0 && story.Alike(raw, signed) {
		f.report.RootUsers.Signed++
	}
}

// signedFiles are the paths of the log files that AWS's signatures prove, in order. A
// verdict names the key in the bucket, above which a copy may have folders: where two
// files may be meant, neither is proven.
func signedFiles(copies fs.FS, signed []signedLog) []string {
	byBase := map[string][]string{}
	_ = fs.WalkDir(copies, ".", func(name string, d fs.DirEntry, err error) error { // what cannot be walked is not found
		if err == nil && !d.IsDir() {
			byBase[path.Base(name)] = append(byBase[path.Base(name)], name)
		}
		return nil
	})
	var out []string
	for _, s := range signed {
		key := s.object
		if rest, ok := strings.CutPrefix(key, "s3://"); ok {
			_, key, _ = strings.Cut(rest, "/")
		}
		var fits []string
		for _, name := range byBase[path.Base(key)] {
			if rest, ok := strings.CutPrefix(name, s.folder+"/"); ok && (rest == key || strings.HasSuffix(rest, "/"+key)) {
				fits = append(fits, name)
			}
		}
		if len(fits) == 1 {
			out = append(out, fits[0])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// lack notes what is not proven, as far as there is room.
func (a *AWSRoot) lack(object, text string) {
	if len(a.Lacks) < maxTold {
		a.Lacks = append(a.Lacks, Lack{object, text})
		a.State = worse(a.State, Unproven)
		return
	}
	a.More++
}

// rootText tells of root for a person.
func (r *Report) rootText(w *lines) {
	p := r.RootUsers
	if p == nil {
		return
	}
	w.say("")
	w.say("Root users, %s to %s: %s", p.From.Format("2006-01-02T15:04Z"), p.To.Format("2006-01-02T15:04Z"), p.State)
	if p.AsOf.IsZero() {
		w.say("  not looked at: the entries that it is told from are not proven")
		return
	}
	w.say("  Approvers' keys      %s: who decided the requests that were granted", p.Approvers)
	for i, x := range p.Requests {
		if i == shownFaults {
			w.say("    ... and %d more requests", len(p.Requests)-i)
			break
		}
		w.say("    %s %s%s: %s", x.ID, x.State, when(x.Override, ", without approvals"), signedBy(x.Signatures, x.Lacking))
	}
	for i, c := range p.Changes {
		if i == shownFaults {
			w.say("    ... and %d more changes", len(p.Changes)-i)
			break
		}
		w.say("    %s %s, %s in %s: %s", c.ID, c.Kind, count(c.Calls, "call", "calls"), count(c.Sessions, "session", "sessions"), signedBy(c.Signatures, c.Lacking))
	}
	w.say("  AWS's signatures     %s: %s of %s are in log files that AWS signed", p.AWS, count(p.inLogs(), "event", "events"), count(len(p.Verdicts), "verdict", "verdicts"))
	w.say("  Records              %s of events tell those of their verdicts; %d have the SHA-256 that the ledger tells, of %d it tells no hash; %d are as AWS signed them",
		count(p.Records, "record", "records"), p.Hashed, p.Records-p.Hashed, p.Signed)
	if p.Lost > 0 {
		w.say("    %s that the ledger tells the SHA-256 of, and the bundle does not hold", count(p.Lost, "record", "records"))
	}
	w.say("  The ledger's key     %s: verdicts, answers, records and coverage are what its keeper recorded, when they did", p.Ledger)
	r.rootVerdictText(w)
	for _, c := range p.Claims {
		if c.Made {
			w.say("  account %s: no use of root without an explanation, as coverage in the ledger has it", string(c.Account))
			continue
		}
		w.say("  account %s: absence is not claimed: %s%s", string(c.Account), first(c.Missing), when(len(c.Missing) > 1, fmt.Sprintf(", and %d more", len(c.Missing)-1)))
	}
	if p.OtherPage {
		w.say("  %s is not as this version of rootkeep writes it: read the JSON files, which are compared with the entries", RootPage)
	}
}

func first(list []string) string {
	if len(list) == 0 {
		return "no reason is told"
	}
	return list[0]
}

// signedBy names who signed a request or a change, and with which key.
func signedBy(signatures []story.Signature, lacking string) string {
	return cmp.Or(signerNames(signatures), "nobody signed") + when(lacking != "", "; not as it had to be: "+lacking)
}

func (p *RootPart) inLogs() int {
	n := 0
	for i := range p.Verdicts {
		if p.Verdicts[i].Event == Proven {
			n++
		}
	}
	return n
}

// rootVerdictText tells which verdicts do not follow from the bundle, and what has none.
func (r *Report) rootVerdictText(w *lines) {
	p := r.RootUsers
	w.say("  Judged again         %s: %d come out otherwise%s", count(len(p.Verdicts)-p.Apart, "verdict", "verdicts"), len(p.Differs),
		when(p.Apart > 0, "; "+count(p.Apart, "other rests", "others rest")+" on what is not in the bundle"))
	for i, d := range p.Differs {
		if i == shownFaults {
			w.say("    ... and %d more", len(p.Differs)-i)
			break
		}
		w.say("    %s: the ledger tells %s (%s), its entries lead to %s (%s): %s", d.Key, string(d.Told), d.Rule, string(d.Again), d.By, d.Why)
	}
	for i, e := range p.Unjudged {
		if i == shownFaults {
			w.say("    ... and %d more without a verdict", len(p.Unjudged)-i+p.More)
			break
		}
		w.say("    without a verdict: event %s, %s at %s, in %s", e.ID, e.Name, e.Time.Format("2006-01-02T15:04:05Z"), e.Log)
	}
	for i, g := range p.Gaps {
		if i == shownFaults {
			w.say("    ... and %d more", len(p.Gaps)-i)
			break
		}
		w.say("    not known: entry %d: %s", g.Entry, g.Text)
	}
}
