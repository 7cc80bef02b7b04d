package assessment

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Difference is what has changed since an earlier scan. Only accounts and controls that
// both scans judged are compared: what was not looked at is neither fixed nor gone.
type Difference struct {
	File   string    `json:"file"`
	Judged time.Time `json:"judged"` // the earlier scan
	// New fail now and did not; Fixed failed, or were excepted, and now pass or do not
	// apply; Gone failed and are no longer there; NewlyUnknown were judged and cannot be
	// judged now.
	New          []rootkeep.Finding `json:"new"`
	Fixed        []rootkeep.Finding `json:"fixed"`
	Gone         []rootkeep.Finding `json:"gone"` // as they were
	NewlyUnknown []rootkeep.Finding `json:"newly_unknown"`
	Unchanged    int                `json:"unchanged"`
	Changed      int                `json:"changed"` // in another way, such as what is known again and passes
	// NotCompared are accounts of one of the scans alone, NewControls controls of this one.
	NotCompared []rootkeep.AccountID `json:"not_compared"`
	NewControls []string             `json:"new_controls"`
}

// key tells findings apart over time.
type key struct {
	control  string
	account  rootkeep.AccountID
	region   rootkeep.Region
	resource string
}

func keyOf(f *rootkeep.Finding) key { return key{f.Control, f.Account, f.Region, f.Resource} }

// maxEarlier bounds an earlier report, bytes.
const maxEarlier = 1 << 30

// ReadEarlier reads a report that rootkeep scan --output json wrote.
func ReadEarlier(r io.Reader) (*Assessment, error) {
	d := json.NewDecoder(io.LimitReader(r, maxEarlier))
	var a Assessment
	if err := d.Decode(&a); err != nil {
		return nil, fmt.Errorf("report, offset %d: %w", d.InputOffset(), err)
	}
	if a.Schema != Schema {
		return nil, fmt.Errorf("report of schema %q, want %s; hint: a report is written by rootkeep scan --output json", a.Schema, Schema)
	}
	return &a, nil
}

// Compare notes what has changed since an earlier scan, read from a file.
func (a *Assessment) Compare(earlier *Assessment, file string) {
	d := &Difference{
		File: file, Judged: earlier.Judged, New: []rootkeep.Finding{}, Fixed: []rootkeep.Finding{}, Gone: []rootkeep.Finding{}, NewlyUnknown: []rootkeep.Finding{},
		NotCompared: []rootkeep.AccountID{}, NewControls: []string{},
	}
	both := d.accounts(a, earlier)
	judged := d.controls(a, earlier)
	before := map[key]rootkeep.Status{}
	for i := range earlier.Findings {
		before[keyOf(&earlier.Findings[i])] = earlier.Findings[i].Status
	}
	now, blind := map[key]bool{}, map[key]bool{} // blind: of an account and control, something is not known
	for i := range a.Findings {
		f := &a.Findings[i]
		now[keyOf(f)] = true
		if f.Status == rootkeep.Unknown {
			blind[key{control: f.Control, account: f.Account}] = true
		}
		if both[f.Account] && judged[f.Control] {
			was, known := before[keyOf(f)]
			d.compare(f, was, known)
		}
	}
	for i := range earlier.Findings {
		f := earlier.Findings[i]
		failed := f.Status == rootkeep.Fail || f.Status == rootkeep.Excepted
		switch {
		case now[keyOf(&f)] || !both[f.Account] || !failed || !judged[f.Control]:
		case blind[key{control: f.Control, account: f.Account}]:
			f.Status, f.Detail, f.Exception, f.Missing = rootkeep.Unknown, "", nil, []string{"whether it is still there is not known now"}
			d.NewlyUnknown = append(d.NewlyUnknown, f)
		default:
			d.Gone = append(d.Gone, f)
		}
	}
	a.Since = d
}

// controls gives those of both scans and notes the new ones.
func (d *Difference) controls(a, earlier *Assessment) map[string]bool {
	before, both := map[string]bool{}, map[string]bool{}
	for _, id := range earlier.Judging {
		before[id] = true
	}
	for _, id := range a.Judging {
		if both[id] = before[id]; !before[id] {
			d.NewControls = append(d.NewControls, id)
		}
	}
	return both
}

// accounts gives those of both scans and notes the others.
func (d *Difference) accounts(a, earlier *Assessment) map[rootkeep.AccountID]bool {
	before, both := map[rootkeep.AccountID]bool{}, map[rootkeep.AccountID]bool{}
	for _, account := range earlier.Accounts {
		before[account.ID] = true
	}
	for _, account := range a.Accounts {
		if before[account.ID] {
			both[account.ID] = true
			continue
		}
		d.NotCompared = append(d.NotCompared, account.ID)
	}
	for _, account := range earlier.Accounts {
		if !both[account.ID] {
			d.NotCompared = append(d.NotCompared, account.ID)
		}
	}
	return both
}

func (d *Difference) compare(f *rootkeep.Finding, was rootkeep.Status, known bool) {
	failed := known && (was == rootkeep.Fail || was == rootkeep.Excepted)
	switch {
	case known && was == f.Status:
		d.Unchanged++
	case f.Status == rootkeep.Fail:
		d.New = append(d.New, *f)
	case f.Status == rootkeep.Unknown && known:
		d.NewlyUnknown = append(d.NewlyUnknown, *f)
	case failed && (f.Status == rootkeep.Pass || f.Status == rootkeep.NotApplicable):
		d.Fixed = append(d.Fixed, *f)
	default:
		d.Changed++
	}
}
