package posture

import (
	"context"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/posture/score"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Except brings the exceptions of an account up to date between two scans: one was
// granted, or has ended. apply marks failures as register.Use.Except does; it gets the
// failures that nobody accepts yet, those that are accepted as failures too.
func Except(ctx context.Context, tx *store.Tx, id rootkeep.AccountID, card *score.Scorecard, apply func([]rootkeep.Finding)) error {
	row, known, err := readAccount(ctx, tx, id)
	if err != nil || !known || row.Scan == "" {
		return err
	}
	before, err := findingsOf(ctx, &tx.Reader, id)
	if err != nil {
		return fmt.Errorf("findings of account %s: %w", id, err)
	}
	var ids []string
	var list []rootkeep.Finding
	for id, f := range before {
		if f.Status == rootkeep.Fail || f.Status == rootkeep.Excepted {
			open := f.Finding
			open.Status, open.Exception = rootkeep.Fail, nil
			ids, list = append(ids, id), append(list, open)
		}
	}
	apply(list)
	m := &merged{all: before}
	for i, id := range ids {
		m.except(id, &list[i], tx)
	}
	if len(m.write) == 0 {
		return nil
	}
	slices.Sort(m.write)
	if err := m.save(ctx, tx, ""); err != nil {
		return fmt.Errorf("findings of account %s: %w", id, err)
	}
	row.Summary = summarize(m.all, card, judgedIn(m.all, nil), row.Summary.MFA)
	tx.Announce("scan", row.Scan)
	return row.write(ctx, tx)
}

func (m *merged) except(id string, f *rootkeep.Finding, tx *store.Tx) {
	f = worstOf([]rootkeep.Finding{*f})[id] // in the form that is kept
	was := m.all[id]
	if same(&was.Finding, f) {
		return
	}
	after := *was
	after.Finding, after.Changed = *f, tx.Now()
	m.all[id] = &after
	m.write = append(m.write, id)
	m.change(id, Changed, f, int(was.Status), int(f.Status), tx.Now())
}
