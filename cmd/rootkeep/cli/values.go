package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/rule"
)

// Moment is a point in time on the command line: a day, an RFC 3339 time, or a
// span back from now such as 24h or 7d.
type Moment struct {
	time.Time
	Now func() time.Time
}

// Set reads the text of the flag.
func (m *Moment) Set(s string) error {
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
	m.Time = m.Now().UTC().Add(-time.Duration(back))
	return nil
}

// Or is the moment, or another time if none was given.
func (m *Moment) Or(other time.Time) time.Time {
	if m.IsZero() {
		return other
	}
	return m.Time
}

// String is the text of the flag.
func (m *Moment) String() string {
	if m.IsZero() {
		return ""
	}
	return m.Format(time.RFC3339)
}

// Type is what help calls the value.
func (m *Moment) Type() string { return "time" }

// Level is a severity on the command line.
type Level struct {
	rootkeep.Severity
	Given bool
}

// Set reads the text of the flag.
func (l *Level) Set(s string) error {
	v, err := rootkeep.ParseSeverity(strings.ToLower(s))
	if err == nil {
		l.Severity, l.Given = v, true
	}
	return err
}

// String is the level, none unless there is one.
func (l *Level) String() string {
	if !l.Given && l.Severity == rootkeep.Informational {
		return "none"
	}
	return l.Severity.String()
}

// Type is what help calls the value.
func (l *Level) Type() string { return "level" }

// Size is a number of bytes on the command line: 256MB, 1GiB, 4096.
type Size int

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"k", 1 << 10}, {"m", 1 << 20}, {"g", 1 << 30}, {"b", 1}, {"", 1},
}

// Set reads the text of the flag.
func (n *Size) Set(s string) error {
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
		*n = Size(v * u.bytes)
		return nil
	}
	return fmt.Errorf("want a size such as 256MB")
}

// String is the text of the flag.
func (n *Size) String() string { return strconv.Itoa(int(*n)>>20) + "MiB" }

// Type is what help calls the value.
func (n *Size) Type() string { return "size" }

// Accounts is a list of account IDs on the command line.
type Accounts []rootkeep.AccountID

// Set reads the text of the flag.
func (a *Accounts) Set(s string) error {
	for text := range strings.SplitSeq(s, ",") {
		id, err := rootkeep.ParseAccountID(strings.TrimSpace(text))
		if err != nil {
			return err
		}
		*a = append(*a, id)
	}
	return nil
}

// String is the text of the flag.
func (a *Accounts) String() string {
	var out []string
	for _, id := range *a {
		out = append(out, string(id))
	}
	return strings.Join(out, ",")
}

// Type is what help calls the value.
func (a *Accounts) Type() string { return "account" }

// Levels are the names of severities, for completion.
func Levels() []string { return []string{"informational", "low", "medium", "high", "critical"} }

// CompleteValues offers a fixed set of values to the shell.
func CompleteValues(c *cobra.Command, flag string, values []string, more ...string) {
	values = append(values, more...)
	// The error is for an unknown flag, which the tests would show at once.
	_ = c.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// CompleteNames offers names that are looked up when they are needed.
func CompleteNames(c *cobra.Command, flag string, names func() []string) {
	// The error is for an unknown flag, as above.
	_ = c.RegisterFlagCompletionFunc(flag, Names(names))
}

// Names completes arguments or the value of a flag with names that are looked up when
// they are needed.
func Names(names func() []string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return names(), cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteFiles offers the files that end in one of the extensions.
func CompleteFiles(c *cobra.Command, flag string, extensions ...string) {
	// The error is for an unknown flag, as above.
	_ = c.MarkFlagFilename(flag, extensions...)
}

// Assigned reads name=value texts of a flag --set; a name that stands several times has
// several values.
func Assigned[V ~[]string](texts []string) (map[string]V, error) {
	out := map[string]V{}
	for _, text := range texts {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, Usage("--set %s: want name=value", text)
		}
		out[name] = append(out[name], value)
	}
	return out, nil
}

// Missing is the error of a flag that has to be given.
func Missing(c *cobra.Command, flag string) error {
	return Usage("--%s is missing; hint: %s --help", flag, c.CommandPath())
}
