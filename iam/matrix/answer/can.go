package answer

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/matrix"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// Can says what one principal can do.
type Can struct {
	Head
	Principal string  `json:"principal"`
	Resource  string  `json:"resource,omitempty"`
	Asked     int     `json:"asked"` // actions
	Levels    []Level `json:"levels"`
	Actions   []Right `json:"actions"` // allowed and conditional ones
}

// Level counts the actions of one access level.
type Level struct {
	Name        string `json:"access_level"`
	Allowed     int    `json:"allowed"`
	Conditional int    `json:"conditional"`
	Denied      int    `json:"denied"`
}

// Right is an action that is allowed, or allowed only if a condition holds.
type Right struct {
	Action     string      `json:"action"`
	Access     string      `json:"access_level"`
	Decision   iam.Outcome `json:"decision"`
	Everywhere bool        `json:"everywhere,omitempty"`
	Basis      []Basis     `json:"basis,omitempty"`
	Except     []string    `json:"except,omitempty"`
}

// Question is what Can and All are asked about.
type Question struct {
	Names    []string // actions or patterns of them; nil: all
	Resource string   // an ARN or a pattern of ARNs; "" for any resource
}

// Check says whether every name stands for some known action; the error names one
// that does not.
func (q Question) Check() error {
	for _, name := range q.Names {
		if len(metadata.MatchActions(name)) == 0 {
			return fmt.Errorf("action %s: no known action has such a name; hint: service:Name, such as s3:GetObject, or s3:Delete*", name)
		}
	}
	return nil
}

// filter is a Question made ready.
type filter struct {
	query   matrix.Query
	actions []*metadata.Action
	numbers []int
}

func newFilter(m *matrix.Matrix, q Question) (*filter, error) {
	f := &filter{query: matrix.Query{Within: q.Resource}}
	names := q.Names
	if len(names) == 0 {
		names = []string{"*"}
	}
	if err := q.Check(); err != nil {
		return nil, err
	}
	seen := map[*metadata.Action]bool{}
	services := map[string]bool{}
	for _, name := range names {
		for _, a := range metadata.MatchActions(name) {
			n, ok := m.Actions().Find(a.String())
			if seen[a] || !ok {
				continue
			}
			seen[a] = true
			if !services[a.Service] {
				services[a.Service] = true
				f.query.Services = append(f.query.Services, a.Service)
			}
			f.actions = append(f.actions, a)
			f.numbers = append(f.numbers, n)
		}
	}
	return f, nil
}

// taken is what the answers take for granted.
func taken(m *matrix.Matrix, resource string) []string {
	if resource != "" && !strings.ContainsAny(resource, "*?") {
		return append([]string{}, m.Assumptions(resource)...)
	}
	return []string{anyResource}
}

// AskCan answers about one caller.
func AskCan(m *matrix.Matrix, in matrix.Input, c *matrix.Caller, q Question) (*Can, error) {
	f, err := newFilter(m, q)
	if err != nil {
		return nil, err
	}
	f.query.Where = true
	x, err := m.Reach(c, f.query)
	if err != nil {
		return nil, err
	}
	d := &Can{Head: NewHead("rootkeep/iam-can/1", in), Principal: c.Principal.ARN, Resource: q.Resource, Asked: len(f.actions), Actions: []Right{}, Levels: newLevels()}
	d.TakenForGranted = taken(m, q.Resource)
	for i, a := range f.actions {
		answer := x.Of(f.numbers[i])
		d.Levels[a.Access].count(answer)
		if answer == iam.False {
			continue
		}
		r := Right{Action: a.String(), Access: a.Access.String(), Decision: iam.Conditional}
		if answer == iam.True {
			r.Decision = iam.Allowed
		}
		w := x.Where(f.numbers[i])
		r.Everywhere, r.Basis, r.Except = w.Everywhere, places(w), w.Except
		d.Actions = append(d.Actions, r)
	}
	return d, nil
}

func newLevels() (out []Level) {
	for l := metadata.List; l <= metadata.PermissionsManagement; l++ {
		out = append(out, Level{Name: l.String()})
	}
	return out
}

func (l *Level) count(t iam.Truth) {
	switch t {
	case iam.True:
		l.Allowed++
	case iam.Unknown:
		l.Conditional++
	default:
		l.Denied++
	}
}

// Text is the document for a person: by service, actions with the same answer
// together, by access level, written with wildcards.
func (d *Can) Text(clean func(string) string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s", clean(d.Principal))
	if d.Resource != "" {
		fmt.Fprintf(&b, " on %s", clean(d.Resource))
	}
	allowed, conditional := 0, 0
	for _, l := range d.Levels {
		allowed, conditional = allowed+l.Allowed, conditional+l.Conditional
	}
	fmt.Fprintf(&b, ": %d of %d actions allowed, %d conditional; actions as of %s\n", allowed, d.Asked, conditional, d.Table)
	for _, l := range d.Levels {
		if l.Allowed+l.Conditional > 0 {
			fmt.Fprintf(&b, "  %s: %d allowed, %d conditional, %d denied\n", l.Name, l.Allowed, l.Conditional, l.Denied)
		}
	}
	rest := d.Actions
	for len(rest) > 0 {
		service, _, _ := strings.Cut(rest[0].Action, ":")
		n := 0
		for n < len(rest) && strings.HasPrefix(rest[n].Action, service+":") {
			n++
		}
		d.writeService(&b, service, rest[:n], clean)
		rest = rest[n:]
	}
	for _, text := range d.TakenForGranted {
		fmt.Fprintf(&b, "taken for granted: %s\n", clean(text))
	}
	return b.String()
}

// writeService writes the actions of one service.
func (d *Can) writeService(b *strings.Builder, service string, rights []Right, clean func(string) string) {
	name, _ := metadata.ServiceName(service)
	fmt.Fprintf(b, "%s (%s)\n", service, name)
	var all []string
	for _, a := range metadata.Actions(service) {
		all = append(all, a.Name)
	}
	var answers []string
	groups := map[string][]Right{}
	for _, r := range rights {
		answer := r.where(d.Resource, clean)
		if groups[answer] == nil {
			answers = append(answers, answer)
		}
		groups[answer] = append(groups[answer], r)
	}
	for _, answer := range answers {
		fmt.Fprintf(b, "  %s\n", answer)
		if len(groups[answer]) == len(all) {
			fmt.Fprintf(b, "    every action: %s:*\n", service)
			continue
		}
		for l := metadata.List; l <= metadata.PermissionsManagement; l++ {
			set := map[string]bool{}
			for _, r := range groups[answer] {
				if _, name, _ := strings.Cut(r.Action, ":"); r.Access == l.String() {
					set[name] = true
				}
			}
			if len(set) > 0 {
				fmt.Fprintf(b, "    %s: %s\n", l, strings.Join(compress(set, all), ", "))
			}
		}
	}
}

// where is the answer in one line, so that actions with the same one are told
// together. Everywhere is within the resource that was asked about, if one was.
func (r *Right) where(asked string, clean func(string) string) string {
	switch {
	case r.Everywhere && asked != "":
		return "on " + clean(asked)
	case r.Everywhere:
		return "on every resource"
	}
	var parts []string
	for i := range r.Basis {
		p := "on " + clean(r.Basis[i].Resource)
		if e := r.Basis[i].OnlyIf; e != nil {
			p += " only if " + clean(e.String())
		}
		parts = append(parts, p)
	}
	if len(r.Except) > 0 {
		var not []string
		for _, text := range r.Except {
			not = append(not, clean(text))
		}
		parts = append(parts, "not on "+strings.Join(not, ", "))
	}
	return strings.Join(parts, "; ")
}

// Row is one principal of the whole matrix.
type Row struct {
	Principal   string   `json:"principal"`
	Kind        string   `json:"kind"`
	Levels      []Level  `json:"levels"`
	Allowed     []string `json:"allowed"`
	Conditional []string `json:"conditional"`
}

// All asks every principal and hands over one Row after the other.
func All(m *matrix.Matrix, q Question, take func(*Row) error) error {
	f, err := newFilter(m, q)
	if err != nil {
		return err
	}
	names := make([]string, len(f.actions))
	for i, a := range f.actions {
		names[i] = a.String()
	}
	for _, c := range m.Callers() {
		x, err := m.Reach(c, f.query)
		if err != nil {
			return err
		}
		r := &Row{Principal: c.Principal.ARN, Kind: c.Principal.Kind.String(), Levels: newLevels(), Allowed: []string{}, Conditional: []string{}}
		for i, a := range f.actions {
			answer := x.Of(f.numbers[i])
			r.Levels[a.Access].count(answer)
			switch answer {
			case iam.True:
				r.Allowed = append(r.Allowed, names[i])
			case iam.Unknown:
				r.Conditional = append(r.Conditional, names[i])
			}
		}
		if err := take(r); err != nil {
			return err
		}
	}
	return nil
}

// WriteAllText writes one line a principal: how many actions of each access level
// are allowed, and how many more under a condition.
func WriteAllText(w io.Writer, m *matrix.Matrix, q Question, clean func(string) string) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "LIST\tREAD\tWRITE\tTAGGING\tPERMISSIONS\t  PRINCIPAL")
	err := All(m, q, func(r *Row) error {
		for _, l := range r.Levels {
			cell := fmt.Sprint(l.Allowed)
			if l.Conditional > 0 {
				cell += fmt.Sprintf("+%d", l.Conditional)
			}
			fmt.Fprintf(t, "%s\t", cell)
		}
		_, err := fmt.Fprintf(t, "  %s\n", clean(r.Principal))
		return err
	})
	if err != nil {
		return err
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, text := range taken(m, q.Resource) {
		if _, err := fmt.Fprintf(w, "taken for granted: %s\n", clean(text)); err != nil {
			return err
		}
	}
	return nil
}

// WriteAllCSV writes one row for each action that a principal may do (RFC 4180).
// What is not there is denied. cell makes a name from a file harmless in a cell.
func WriteAllCSV(w io.Writer, m *matrix.Matrix, q Question, cell func(string) string) error {
	out := csv.NewWriter(w)
	if err := out.Write([]string{"principal", "kind", "action", "decision"}); err != nil {
		return err
	}
	err := All(m, q, func(r *Row) error {
		who := cell(r.Principal)
		for _, list := range []struct {
			names    []string
			decision iam.Outcome
		}{{r.Allowed, iam.Allowed}, {r.Conditional, iam.Conditional}} {
			for _, name := range list.names {
				if err := out.Write([]string{who, r.Kind, name, list.decision.String()}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	out.Flush()
	return out.Error()
}

// WriteAllJSON writes the head and a list of Row, one at a time: the names that an
// administrator may do are half a megabyte.
func WriteAllJSON(w io.Writer, h Head, m *matrix.Matrix, q Question) error {
	h.TakenForGranted = taken(m, q.Resource)
	head, err := json.Marshal(struct {
		Head
		Resource string `json:"resource,omitempty"`
	}{h, q.Resource})
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w, "%s,\"principals\":[", head[:len(head)-1]); err != nil {
		return err
	}
	separator := "\n"
	err = All(m, q, func(r *Row) error {
		line, err := json.Marshal(r)
		if err == nil {
			_, err = fmt.Fprintf(w, "%s%s", separator, line)
		}
		separator = ",\n"
		return err
	})
	if err == nil {
		_, err = io.WriteString(w, "\n]}\n")
	}
	return err
}
