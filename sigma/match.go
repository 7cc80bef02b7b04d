package sigma

import (
	"bytes"
	"iter"
	"slices"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/sigma/memo"
	"github.com/rootkeep/rootkeep/sigma/value"
)

// Matcher matches records against a Set. It belongs to one goroutine.
type Matcher struct {
	set     *Set
	view    *rootkeep.View
	several bool // some field of the record has more than one value

	// Stamps equal to now belong to the record at hand; others are stale.
	now     uint32
	tried   []uint32 // by rule
	answers []answer // by predicate
	fields  []fieldState

	large      value.Subject // the one value above keepText that is at hand
	largeField int
	largeAt    uint32

	left, right value.Subject // of a field reference
	rules       []int32       // of a value that the memo does not know
	found       []bool        // buffer of fieldIndex.appendRules
}

// answer is what a predicate said about the record of the stamp.
type answer struct {
	at    uint32
	holds bool
}

// fieldState is what the matcher knows about one field.
type fieldState struct {
	memo *memo.Memo // nil for a field without value predicates

	at   uint32 // slot is that of the record's value
	slot int

	readAt  uint32 // subject holds the record's value
	subject value.Subject
}

// keepText is the length of values, in bytes, up to which each field has buffers
// of its own; the longer ones take turns, which bounds the memory of a matcher.
const keepText = 4096

// NewMatcher makes a matcher for one goroutine.
func (s *Set) NewMatcher() *Matcher {
	m := &Matcher{
		set:     s,
		tried:   make([]uint32, len(s.rules)),
		answers: make([]answer, len(s.predicates)),
		fields:  make([]fieldState, len(s.index.byField)),
	}
	for f, n := range s.index.byField {
		if n > 0 {
			m.fields[f].memo = memo.New(n)
		}
	}
	return m
}

// Match appends the numbers of the rules that match the record, ascending. The
// view must hold the fields of Set.Fields and Set.Derived. Nothing is allocated
// once the buffers have grown.
func (m *Matcher) Match(v *rootkeep.View, dst []int32) []int32 {
	m.begin(v)
	before := len(dst)
	for i := range m.set.index.fields {
		dst = m.tryField(&m.set.index.fields[i], dst)
	}
	for _, r := range m.set.index.always {
		dst = m.try(r, dst)
	}
	slices.Sort(dst[before:])
	return dst
}

func (m *Matcher) begin(v *rootkeep.View) {
	m.view = v
	m.several = v.Several()
	m.now++
	if m.now == 0 { // wrapped: no stamp may look fresh
		clear(m.tried)
		clear(m.answers)
		for i := range m.fields {
			m.fields[i].at, m.fields[i].readAt = 0, 0
		}
		m.largeAt = 0
		m.now = 1
	}
}

// tryField tries the rules whose witness a value of the field is.
func (m *Matcher) tryField(x *fieldIndex, dst []int32) []int32 {
	if !m.several { // most records; the iterator costs a quarter of the time here
		if v := m.view.At(x.field); hasText(v) {
			dst = m.tryValue(x, v, 0, dst)
		}
		return dst
	}
	for i, v := range m.each(x.field) {
		if hasText(v) {
			dst = m.tryValue(x, v, i, dst)
		}
	}
	return dst
}

// each yields the values of a field with their numbers, none for an absent one.
func (m *Matcher) each(field int) iter.Seq2[int, rootkeep.Value] {
	return func(yield func(int, rootkeep.Value) bool) {
		v := m.view.At(field)
		if v.Kind == rootkeep.Absent || !yield(0, v) || !m.several {
			return
		}
		for i := 0; ; i++ {
			v, ok := m.view.More(field, i)
			if !ok || !yield(i+1, v) {
				return
			}
		}
	}
}

func (m *Matcher) tryValue(x *fieldIndex, v rootkeep.Value, i int, dst []int32) []int32 {
	f := &m.fields[x.field]
	n := f.memo.Find(v)
	if i == 0 {
		f.slot, f.at = n, m.now
	}
	rules, known := f.memo.Rules(n)
	if !known {
		m.rules = x.appendRules(m.rules[:0], m.read(x.field, v, i), &m.found)
		f.memo.SetRules(n, m.rules)
		rules = m.rules
	}
	for _, r := range rules {
		dst = m.try(r, dst)
	}
	return dst
}

// try appends a rule if it matches and was not tried before.
func (m *Matcher) try(rule int32, dst []int32) []int32 {
	if m.tried[rule] == m.now {
		return dst
	}
	m.tried[rule] = m.now
	if m.holds(m.set.programs[rule].rest) {
		dst = append(dst, rule)
	}
	return dst
}

func (m *Matcher) holds(n *node) bool {
	switch n.op {
	case nodeAsk:
		return m.ask(n.pred)
	case nodeAnd:
		for _, k := range n.kids {
			if !m.holds(k) {
				return false
			}
		}
		return true
	case nodeOr:
		for _, k := range n.kids {
			if m.holds(k) {
				return true
			}
		}
		return false
	case nodeNot:
		return !m.holds(n.kids[0])
	}
	return n.op == nodeTrue
}

// ask answers a predicate, once per record.
func (m *Matcher) ask(pred int) bool {
	a := &m.answers[pred]
	if a.at == m.now {
		return a.holds
	}
	p := &m.set.predicates[pred]
	var holds bool
	switch p.kind {
	case askPresent:
		holds = (m.view.At(p.field).Kind != rootkeep.Absent) == p.present
	case askRef:
		holds = m.compare(p)
	default:
		holds = m.values(p)
	}
	*a = answer{m.now, holds != p.not}
	return a.holds
}

// values answers for a field with one value from the memo.
func (m *Matcher) values(p *predicate) bool {
	if m.several {
		if _, ok := m.view.More(p.field, 0); ok {
			return m.anyValue(p)
		}
	}
	v := m.view.At(p.field)
	switch v.Kind {
	case rootkeep.Absent, rootkeep.Null:
		return p.null
	case rootkeep.Array: // empty
		return false
	}
	f := &m.fields[p.field]
	if f.at != m.now {
		f.slot, f.at = f.memo.Find(v), m.now
	}
	holds, known := f.memo.Answer(f.slot, p.slot)
	if !known {
		holds = p.holdsAll(m.read(p.field, v, 0))
		f.memo.SetAnswer(f.slot, p.slot, holds)
	}
	return holds
}

// holdsAll: every group has a test that holds for the value.
func (p *predicate) holdsAll(s *value.Subject) bool {
	for _, g := range p.groups {
		if !holdsAny(g, s) {
			return false
		}
	}
	return true
}

func holdsAny(tests []value.Test, s *value.Subject) bool {
	for _, t := range tests {
		if t.Holds(s) {
			return true
		}
	}
	return false
}

// anyValue: for every group some value of the field has a test that holds.
func (m *Matcher) anyValue(p *predicate) bool {
	if p.null {
		for _, v := range m.each(p.field) {
			if v.Kind == rootkeep.Null {
				return true
			}
		}
	}
	for _, g := range p.groups {
		if !m.groupHolds(p.field, g) {
			return false
		}
	}
	return true
}

func (m *Matcher) groupHolds(field int, g []value.Test) bool {
	for i, v := range m.each(field) {
		if hasText(v) && holdsAny(g, m.read(field, v, i)) {
			return true
		}
	}
	return false
}

// read prepares the i-th value of a field for tests. The first one is prepared
// once per record; the others overwrite it.
func (m *Matcher) read(field int, v rootkeep.Value, i int) *value.Subject {
	f := &m.fields[field]
	if len(v.Text) > keepText {
		if m.largeAt != m.now || m.largeField != field || i > 0 {
			m.large.Read(v)
			m.largeAt, m.largeField = m.now, field
		}
		if i > 0 {
			m.largeAt = 0
		}
		return &m.large
	}
	if f.readAt != m.now || i > 0 {
		f.subject.Read(v)
		f.readAt = m.now
	}
	if i > 0 {
		f.readAt = 0
	}
	return &f.subject
}

// maxCompared bounds the values of each side of a field reference: all pairs are
// compared, and a record may be built to have a million values.
const maxCompared = 1000

// compare answers a field reference: some value of the field compares to some
// value of the referenced one. Null and absent compare to nothing.
func (m *Matcher) compare(p *predicate) bool {
	for _, ref := range p.refs {
		if m.somePair(p, ref) != p.all {
			return !p.all
		}
	}
	return p.all
}

func (m *Matcher) somePair(p *predicate, ref int) bool {
	for i, a := range m.each(p.field) {
		if i == maxCompared {
			break
		}
		if !hasText(a) {
			continue
		}
		m.left.Read(a)
		for j, b := range m.each(ref) {
			if j == maxCompared {
				break
			}
			if hasText(b) && m.pairHolds(p, b) {
				return true
			}
		}
	}
	return false
}

// pairHolds compares the value in left.
func (m *Matcher) pairHolds(p *predicate, b rootkeep.Value) bool {
	m.right.Read(b)
	x, y := m.left.Form(p.fold), m.right.Form(p.fold)
	switch p.op {
	case value.Contains:
		return bytes.Contains(x, y)
	case value.StartsWith:
		return bytes.HasPrefix(x, y)
	case value.EndsWith:
		return bytes.HasSuffix(x, y)
	}
	return bytes.Equal(x, y)
}

// hasText: absent, null and the empty array have no text to test.
func hasText(v rootkeep.Value) bool {
	return v.Kind != rootkeep.Absent && v.Kind != rootkeep.Null && v.Kind != rootkeep.Array
}
