package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/report"
)

// trust is what the digests of folders say about logs that were read: which hours are
// proven, and which of the logs that events are from CloudTrail wrote. A file that is
// missing, changed, planted or not read costs its own hours, and no others.
type trust struct {
	proof    *proof           // nil without keys
	problems []report.Problem // of the reading
	unread   int64            // further problems, and events that were not kept

	covered digest.Coverage // nil if nothing is proven
	lacks   string          // why nothing is
	bad     int             // files that are not what was delivered, or that were planted

	mu     sync.Mutex               // guards what follows
	status map[string]digest.Status // of the logs that events are from
	cut    []string                 // files whose hours are not proven
}

// look verifies the folders, once the logs are read.
func (t *trust) look(ctx context.Context, events []reconcile.Event) {
	switch {
	case t.lacks != "":
		return
	case t.proof == nil:
		t.lacks = "no public keys of CloudTrail were given, so nothing is proven; hint: --keys"
		return
	case t.proof.cannot != "":
		t.lacks = t.proof.cannot
		return
	}
	t.status = map[string]digest.Status{}
	for i := range events {
		t.status[events[i].File] = ""
	}
	var all digest.Coverage
	for _, folder := range t.proof.config.Paths {
		r, err := t.verify(ctx, folder)
		switch {
		case ctx.Err() != nil:
			t.lacks = "the digest chain was not verified to its end"
			return
		case err != nil:
			t.lacks = fmt.Sprintf("%s could not be verified: %v", folder, err)
			return
		}
		all = append(all, r.Coverage...)
	}
	for _, p := range t.problems {
		if !p.Notice {
			t.cut = append(t.cut, filepath.ToSlash(p.File))
		}
	}
	covered, strange := all.Without(t.cut)
	if t.unread += int64(len(strange)); len(covered) == 0 {
		t.lacks = "no digest file lies in the period; hint: rootkeep trail verify"
		return
	}
	t.covered = covered
}

// verify judges the digest chains of one folder, and notes what became of its logs.
func (t *trust) verify(ctx context.Context, folder string) (*digest.Report, error) {
	read, whole := t.proof.sums.below(folder), t.proof.sums.complete()
	opt := t.proof.options(folder)
	opt.Log = func(path string, s digest.Status) {
		t.note(folder, path, s)
		// What the reading before did not see may hold events: it came later, or was damaged.
		if _, known := read(path); s == digest.Valid && whole && !known {
			t.leave(path)
		}
	}
	r, err := digest.Verify(ctx, os.DirFS(folder), opt)
	if err != nil {
		return nil, err
	}
	t.bad += r.Digests.Invalid + r.Digests.Missing + r.Logs.Invalid + r.Logs.Missing + r.Planted()
	for _, v := range r.Unlisted {
		if v.Status == digest.Unlisted {
			t.note(folder, v.Object, v.Status)
			t.leave(v.Object)
		}
	}
	return r, nil
}

// note keeps what became of a log, the worst if there is more than one word on it.
func (t *trust) note(folder, path string, s digest.Status) {
	name := filepath.Join(folder, filepath.FromSlash(path))
	t.mu.Lock()
	defer t.mu.Unlock()
	if before, asked := t.status[name]; asked && (before == "" || before == digest.Valid) {
		t.status[name] = s
	}
}

func (t *trust) leave(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cut = append(t.cut, path)
}

// doubt marks the events from logs that CloudTrail is known not to have written; or, if
// all have to be proven, from all others than those that it is known to have written.
func (t *trust) doubt(events []reconcile.Event, proven bool) {
	known := []digest.Status{digest.Invalid, digest.Unlisted}
	for i := range events {
		s := t.status[events[i].File]
		events[i].Doubtful = slices.Contains(known, s) || proven && s != digest.Valid
	}
}
