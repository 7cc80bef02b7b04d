package report

import (
	"bufio"
	"bytes"
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
	var room bytes.Buffer // for one line, used over and over
	for i := range h.Alerts {
		if err := line(out, &room, &h.Alerts[i]); err != nil {
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
	if err := line(w, &bytes.Buffer{}, m); err != nil {
		return fmt.Errorf("write match of event %s: %w", m.Event, err)
	}
	return nil
}

// line writes v as one line of JSON in one Write. It is made in room.
func line(w io.Writer, room *bytes.Buffer, v any) error {
	room.Reset()
	if err := json.NewEncoder(room).Encode(v); err != nil {
		return err
	}
	_, err := w.Write(text.Inert(room.Bytes())) // with the line's end
	return err
}
