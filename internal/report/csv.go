package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// CSV writes one alert a row under a header row (RFC 4180). Lists within a cell
// are joined by "; ". A cell that a spreadsheet would take for a formula starts
// with an apostrophe.
func CSV(w io.Writer, h *Hunt) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"id", "level", "state", "kind", "title", "account", "principal", "actor_type", "actor_arn", "access_key_id",
		"tactic", "techniques", "rules", "first", "last", "count", "attempts", "regions", "addresses", "agents",
		"runbook", "next", "notes", "event_ids", "file", "offset",
	}}
	for i := range h.Alerts {
		rows = append(rows, row(&h.Alerts[i]))
	}
	// WriteAll flushes.
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write alerts as CSV: %w", err)
	}
	return nil
}

func row(a *rootkeep.Alert) []string {
	file, offset := "", ""
	if len(a.Events) > 0 {
		file, offset = a.Events[0].File, strconv.FormatInt(a.Events[0].Offset, 10)
	}
	cells := []string{
		a.ID, a.Level.String(), a.State, a.Kind, a.Title, accounts(a), a.Actor.Principal, a.Actor.Type, a.Actor.ARN, a.Actor.AccessKeyID,
		a.Tactic,
		joined(a.Techniques, func(t rootkeep.Technique) string { return t.ID }),
		joined(a.Rules, ruleName),
		a.First.UTC().Format(time.RFC3339), a.Last.UTC().Format(time.RFC3339), strconv.Itoa(a.Count), strconv.Itoa(a.Attempts),
		joined(a.Regions, func(r rootkeep.Region) string { return string(r) }),
		joined(a.Addresses, func(a rootkeep.Address) string { return a.Text }),
		joined(a.Agents, func(s string) string { return s }),
		a.Opens, Next(a),
		joined(a.Notes, func(s string) string { return s }),
		joined(a.Events, func(e rootkeep.Event) string { return e.ID }),
		file, offset,
	}
	for i, c := range cells {
		cells[i] = text.Cell(c)
	}
	return cells
}

// accounts are those of an alert about several, as far as they are named, or its one.
func accounts(a *rootkeep.Alert) string {
	if a.Account == "" {
		return joined(a.Accounts, func(id rootkeep.AccountID) string { return string(id) })
	}
	return string(a.Account)
}

func joined[T any](list []T, word func(T) string) string { return joinedBy("; ", list, word) }
