package diff

import (
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/diff/partition"
	"github.com/rootkeep/rootkeep/iam/metadata"
	"github.com/rootkeep/rootkeep/iam/pattern"
)

// class are the actions about which the same statements of both sides speak.
type class struct {
	statements []*stmt
	actions    []action
	unlisted   []action // names outside the table that stand for all such
}

// action is a permission; listed is nil for a name that the table does not have.
type action struct {
	name   string
	listed *metadata.Action
}

// types are the forms of the ARNs that the action takes, as patterns, in one text.
func (c *comparison) types(a action) string {
	if a.listed == nil {
		return ""
	}
	forms, ok := c.forms[a.listed]
	if ok {
		return forms
	}
	var out []string
	for _, r := range a.listed.Resources {
		for _, t := range metadata.ResourceTypes(a.listed.Service) {
			if t.Name == r.Type {
				out = append(out, template(t.ARN))
			}
		}
	}
	slices.Sort(out)
	forms = strings.Join(slices.Compact(out), "\n")
	c.forms[a.listed] = forms
	return forms
}

// template turns the placeholders of an ARN into wildcards for one character or more.
func template(arn string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(arn, "${")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if _, arn, ok = strings.Cut(rest, "}"); !ok {
			return b.String() + "*"
		}
		b.WriteString("?*")
	}
}

// star says whether the action has no resource type, so that requests are on "*" alone.
func (a action) star() bool { return a.listed != nil && len(a.listed.Resources) == 0 }

// optional says whether requests for the action may name no resource.
func (a action) optional() bool {
	return a.listed == nil || !slices.ContainsFunc(a.listed.Resources, func(r metadata.ActionResource) bool { return r.Required })
}

// actionText is one value of Action or NotAction, in lower case, and the statements
// that write it.
type actionText struct {
	service, name string
	in            string
}

func (t actionText) wild() bool { return strings.ContainsAny(t.service, "*?") }

// whole says whether a name covers all actions of a service.
func whole(name string) bool { return strings.Trim(name, "*") == "" && name != "" }

func (c *comparison) actionTexts() (out []actionText) {
	type text struct{ service, name string }
	at := map[text]int{}
	for i, st := range c.all() {
		for _, list := range [][]string{st.src.Action.Values(), st.src.NotAction.Values()} {
			for _, v := range list {
				service, name, ok := strings.Cut(lower(v), ":")
				if !ok && v != "" && strings.Trim(v, "*") == "" {
					service, name, ok = "*", "*", true
				}
				t := text{service, name}
				if _, seen := at[t]; ok && !seen {
					at[t] = len(out)
					out = append(out, actionText{service: service, name: name})
				}
				if id := string(rune(i)); ok && !strings.HasSuffix(out[at[t]].in, id) {
					out[at[t]].in += id
				}
			}
		}
	}
	return out
}

// lower is the evaluator's: of ASCII only.
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// maxNames bounds the classes of names that one Split tells apart. A service has up to
// 800 actions, which a policy may list one by one.
const maxNames = 8192

// sorter puts actions into classes.
type sorter struct {
	*comparison
	cover   *iam.Set
	at      map[iam.Ref][]*stmt
	ids     map[*stmt]int
	texts   map[string][]actionText // that name one service, by service
	wild    []wildText
	same    map[string]bool // by class key: both sides say the same
	classes map[string]*class
	order   []*class
}

// wildText is a value of Action that may cover several services.
type wildText struct {
	actionText
	services pattern.Pattern
}

// classes divides all actions, known and unknown, by the statements that cover them,
// and leaves out those about which both sides say the same.
func (c *comparison) classes() ([]*class, error) {
	s := sorter{comparison: c, at: map[iam.Ref][]*stmt{}, ids: map[*stmt]int{}, texts: map[string][]actionText{}, same: map[string]bool{}, classes: map[string]*class{}}
	var policies []*iam.Policy
	for i, st := range c.all() {
		s.ids[st] = i
		s.at[st.Ref] = append(s.at[st.Ref], st)
		if !slices.Contains(policies, st.Policy) {
			policies = append(policies, st.Policy)
		}
	}
	var err error
	if c.old.kind.named() {
		s.cover, err = iam.NewSet(iam.Policies{Resource: policies})
	} else {
		s.cover, err = iam.NewSet(iam.Policies{Identity: policies})
	}
	if err != nil {
		return nil, err
	}
	texts := c.actionTexts()
	for _, t := range texts {
		if t.wild() {
			s.wild = append(s.wild, wildText{t, pattern.Parse(t.service, pattern.Syntax{Wildcards: true})})
		} else {
			s.texts[t.service] = append(s.texts[t.service], t)
		}
	}
	for _, service := range c.services(texts) {
		s.service(service)
	}
	for _, cl := range s.order {
		if len(cl.actions) == 0 {
			cl.actions = cl.unlisted
		}
	}
	return s.order, nil
}

// services are those of the table, those that the policies name, and one for each
// class of names that their wildcards tell apart.
func (c *comparison) services(texts []actionText) []string {
	var ps []partition.Pattern
	out := slices.Clone(metadata.Services())
	for _, t := range texts {
		ps = append(ps, partition.ParseGlob(t.service))
		if !t.wild() {
			out = append(out, t.service)
		}
	}
	cells, ok := partition.Split(ps, partition.ParseGlob("?*"), maxNames)
	if !ok {
		c.overflow = "the actions have too many patterns to compare"
	}
	for _, cell := range cells {
		out = append(out, cell.Text)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (s *sorter) service(service string) {
	texts := slices.Clone(s.texts[service])
	for _, w := range s.wild {
		if w.services.Match(service) {
			texts = append(texts, w.actionText)
		}
	}
	if !slices.ContainsFunc(texts, func(t actionText) bool { return !whole(t.name) }) {
		s.whole(service)
		return
	}
	// Names that the same statements write need not be told apart.
	at := map[string]int{}
	var names []partition.Pattern
	for _, t := range texts {
		i, ok := at[t.in]
		if !ok {
			i = len(names)
			at[t.in] = i
			names = append(names, partition.Pattern{})
		}
		names[i] = partition.Union(names[i], partition.ParseGlob(t.name))
	}
	cells, ok := partition.Split(names, partition.ParseGlob("?*"), maxNames)
	if !ok {
		s.overflow = "the actions of " + service + " have too many patterns to compare"
	}
	for _, cell := range cells {
		if name, ok := unlisted(service, cell, names); ok {
			s.add(action{name: service + ":" + name}, s.covering(service+":"+name))
		}
	}
	list := metadata.Actions(service)
	for i := range list {
		s.add(action{list[i].String(), &list[i]}, s.covering(list[i].String()))
	}
}

// unlisted is a name of a class that the table does not have, if there is one.
func unlisted(service string, cell partition.Cell, names []partition.Pattern) (string, bool) {
	for _, name := range []string{cell.Text, cell.Text + "x", "x" + cell.Text} {
		if _, listed := metadata.FindAction(service, name); listed {
			continue
		}
		same := true
		for i, p := range names {
			same = same && p.Match(name) == cell.In[i]
		}
		if same {
			return name, true
		}
	}
	return "", false
}

// whole adds a service of which all actions are covered alike. Its table is not read
// when both sides say the same.
func (s *sorter) whole(service string) {
	covering := s.covering(service + ":x")
	key, statements := s.key(covering)
	if s.alike(key, statements) {
		return
	}
	s.add(action{name: service + ":x"}, covering)
	list := metadata.Actions(service)
	for i := range list {
		s.add(action{list[i].String(), &list[i]}, covering)
	}
}

func (s *sorter) covering(name string) []iam.Ref { return s.cover.Covering(name) }

// key identifies a class by its statements.
func (s *sorter) key(covering []iam.Ref) (string, []*stmt) {
	var statements []*stmt
	for _, ref := range covering {
		statements = append(statements, s.at[ref]...)
	}
	slices.SortFunc(statements, func(a, b *stmt) int { return s.ids[a] - s.ids[b] })
	b := make([]byte, 0, 3*len(statements))
	for _, st := range statements {
		id := s.ids[st]
		b = append(b, byte(id), byte(id>>8), byte(id>>16))
	}
	return string(b), statements
}

// alike says whether both sides say the same, statement by statement.
func (s *sorter) alike(key string, statements []*stmt) bool {
	same, known := s.same[key]
	if !known {
		same = !s.knownDiffers && s.old.levels == s.new.levels && sameStatements(statements)
		s.same[key] = same
	}
	return same
}

func sameStatements(statements []*stmt) bool {
	type said struct {
		level   int
		written string
	}
	by := map[*side]map[said]bool{}
	for _, st := range statements {
		if by[st.side] == nil {
			by[st.side] = map[said]bool{}
		}
		level := st.level
		if st.denies {
			level = 0
		}
		by[st.side][said{level, st.written}] = true
	}
	if len(by) != 2 {
		return len(by) == 0
	}
	var sets []map[said]bool
	for _, set := range by {
		sets = append(sets, set)
	}
	if len(sets[0]) != len(sets[1]) {
		return false
	}
	for k := range sets[0] {
		if !sets[1][k] {
			return false
		}
	}
	return true
}

// settled are actions on which these policies have no say: AWS answers the first
// always, and the others by the trust policy of the role alone.
func (s *sorter) settled(a action) bool {
	switch lower(a.name) {
	case "sts:getcalleridentity":
		return true
	case "sts:assumerolewithsaml", "sts:assumerolewithwebidentity":
		return !s.old.kind.named()
	}
	return false
}

func (s *sorter) add(a action, covering []iam.Ref) {
	if s.settled(a) {
		return
	}
	key, statements := s.key(covering)
	if s.alike(key, statements) {
		return
	}
	cl := s.classes[key]
	if cl == nil {
		cl = &class{statements: statements}
		s.classes[key] = cl
		s.order = append(s.order, cl)
	}
	if a.listed == nil {
		cl.unlisted = append(cl.unlisted, a)
	} else {
		cl.actions = append(cl.actions, a)
	}
}
