package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// moment is a point in time on the command line: a day, an RFC 3339 time, or a
// span back from now such as 24h or 7d.
type moment struct {
	time.Time
	now func() time.Time
}

func (m *moment) Set(s string) error {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	back, err := rule.ParseDuration(s)
	if err != nil {
		return fmt.Errorf("want a day (2026-11-22), a time (2026-11-22T10:00:00Z) or a span back from now (24h, 7d)")
	}
	m.Time = m.now().UTC().Add(-time.Duration(back))
	return nil
}

func (m *moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

func (m *moment) Type() string { return "time" }

// level is a severity on the command line.
type level struct {
	rootkeep.Severity
	set bool
}

func (l *level) Set(s string) error {
	v, err := rootkeep.ParseSeverity(strings.ToLower(s))
	if err == nil {
		l.Severity, l.set = v, true
	}
	return err
}

func (l *level) Type() string { return "level" }

// size is a number of bytes on the command line: 256MB, 1GiB, 4096.
type size int

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1}, {"", 1},
}

func (n *size) Set(s string) error {
	text := strings.ToLower(strings.TrimSpace(s))
	for _, u := range sizeUnits {
		number, ok := strings.CutSuffix(text, u.suffix)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v*u.bytes >= 1 && v*u.bytes <= 1<<40) {
			break
		}
		*n = size(v * u.bytes)
		return nil
	}
	return fmt.Errorf("want a size such as 256MB")
}

func (n *size) String() string { return strconv.Itoa(int(*n)>>20) + "MiB" }
func (n *size) Type() string   { return "size" }

// accounts is a list of account IDs on the command line.
type accounts []rootkeep.AccountID

func (a *accounts) Set(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		id, err := rootkeep.ParseAccountID(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		*a = append(*a, id)
	}
	return nil
}

func (a *accounts) String() string {
	var out []string
	for _, id := range *a {
		out = append(out, string(id))
	}
	return strings.Join(out, ",")
}

func (a *accounts) Type() string { return "account" }
