package report

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/report/text"
)

// JSON writes the whole Hunt with its schema name first, indented. Characters
// that a terminal or a reader could be misled by are written as \u escapes: the
// decoded text is exact.
func JSON(w io.Writer, h *Hunt) error {
	err := indented(w, struct {
		Schema string `json:"schema"`
		*Hunt
	}{Schema, h})
	if err != nil {
		return fmt.Errorf("write hunt as JSON: %w", err)
	}
	return nil
}

func indented(w io.Writer, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(text.Inert(b), '\n'))
	return err
}

// NDJSON writes one alert a line, most severe first.
func NDJSON(w io.Writer, h *Hunt) error {
	out := bufio.NewWriter(w)
	for i := range h.Alerts {
		if err := line(out, &h.Alerts[i]); err != nil {
			return fmt.Errorf("write alert %s: %w", h.Alerts[i].ID, err)
		}
	}
	return out.Flush()
}

// Match is one rule match, before grouping: a line of --all-matches.
type Match struct {
	Time    time.Time          `json:"time"`
	Event   string             `json:"event_id"`
	Rule    string             `json:"rule"` // short name
	Level   rootkeep.Severity  `json:"level"`
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"`
	Actor   string             `json:"actor"` // principal
	Name    string             `json:"name"`  // eventName
	Address string             `json:"address"`
	File    string             `json:"file"`
	Offset  int64              `json:"offset"` // in the inflated file, bytes
}

// WriteMatch writes m as one line of JSON in one Write.
func WriteMatch(w io.Writer, m *Match) error {
	if err := line(w, m); err != nil {
		return fmt.Errorf("write match of event %s: %w", m.Event, err)
	}
	return nil
}

func line(w io.Writer, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.Write(append(text.Inert(b), '\n'))
	return err
}
