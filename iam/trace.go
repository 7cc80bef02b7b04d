package iam

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
)

// Result is "denies", "allows", "silent", "unknown" or "not applicable".
func (l *LayerTrace) Result() string {
	switch {
	case !l.Active:
		return "not applicable"
	case l.Denies == True:
		return "denies"
	case l.Denies == Unknown || l.Allows == Unknown:
		return "unknown"
	case l.Allows == True:
		return "allows"
	}
	return "silent"
}

func (s *StatementTrace) effect() string {
	if s.Denies {
		return "Deny"
	}
	return "Allow"
}

// MarshalJSON writes layer, level, result, statements and others.
func (l LayerTrace) MarshalJSON() ([]byte, error) {
	statements := l.Statements
	if statements == nil {
		statements = []StatementTrace{}
	}
	return json.Marshal(struct {
		Layer      Layer            `json:"layer"`
		Level      int              `json:"level"`
		Result     string           `json:"result"`
		Statements []StatementTrace `json:"statements"`
		Others     int              `json:"others"`
	}{l.Layer, l.Level, l.Result(), statements, l.Others})
}

// MarshalJSON writes policy, statement (from 0), sid, line, effect, match ("yes",
// "no" or "unknown") and the elements that failed.
func (s StatementTrace) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Policy string         `json:"policy"`
		Index  int            `json:"statement"`
		Sid    string         `json:"sid,omitempty"`
		Line   int            `json:"line"`
		Effect string         `json:"effect"`
		Match  string         `json:"match"`
		Failed []ElementTrace `json:"failed,omitempty"`
	}{s.Ref.Policy.Name, s.Ref.Index, s.Ref.Sid(), s.Ref.Line(), s.effect(), matchWords[s.Match], s.Failed})
}

// String is the trace for a person, one line per layer and statement.
func (x *Explanation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s on %s by %s", x.Outcome, condition.OneLine(x.Action), condition.OneLine(x.Resource), condition.OneLine(x.Principal))
	if x.By != 0 {
		fmt.Fprintf(&b, " (%s)", x.By)
	}
	b.WriteByte('\n')
	if x.Residual != nil {
		fmt.Fprintf(&b, "  only if %s\n", x.Residual)
	}
	if x.Note != "" {
		fmt.Fprintf(&b, "  %s\n", x.Note)
	}
	for i := range x.Layers {
		x.Layers[i].write(&b)
	}
	for _, also := range x.And {
		b.WriteString("and ")
		b.WriteString(also.String())
	}
	return b.String()
}

func (l *LayerTrace) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %s", l.Layer)
	if l.Layer == SCP || l.Layer == RCP {
		fmt.Fprintf(b, " level %d", l.Level)
	}
	fmt.Fprintf(b, ": %s\n", l.Result())
	for i := range l.Statements {
		s := &l.Statements[i]
		fmt.Fprintf(b, "    %s %s (line %d)", s.effect(), s.Ref, s.Ref.Line())
		if s.Match == True {
			b.WriteString(": matches\n")
			continue
		}
		b.WriteString(": ")
		for k := range s.Failed {
			if k > 0 {
				b.WriteString("; ")
			}
			s.Failed[k].write(b)
		}
		b.WriteByte('\n')
	}
	if l.Others > 0 {
		fmt.Fprintf(b, "    %d other statements are about other actions\n", l.Others)
	}
}

func (e *ElementTrace) write(b *strings.Builder) {
	verb := "does not match"
	if e.Result == "unknown" {
		verb = "is not known"
	}
	fmt.Fprintf(b, "%s %s", e.Element, verb)
	if e.Leaf == nil {
		return
	}
	fmt.Fprintf(b, " (%s; ", e.Leaf)
	switch {
	case e.Absent:
		b.WriteString("the key is absent)")
	case e.Got == nil:
		b.WriteString("the key is not known)")
	default:
		fmt.Fprintf(b, "the request has [%s])", condition.OneLine(strings.Join(e.Got, ", ")))
	}
}
