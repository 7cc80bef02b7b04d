package value

import (
	"errors"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// Operator is what an item does with its values.
type Operator string

// The operators. All but the empty one are the modifiers of the same name
// (Sigma Modifiers Appendix 2.1).
const (
	Equal      Operator = ""
	Contains   Operator = "contains"
	StartsWith Operator = "startswith"
	EndsWith   Operator = "endswith"
	Regex      Operator = "re"
	CIDR       Operator = "cidr"
	Exists     Operator = "exists"
	LT         Operator = "lt"
	LTE        Operator = "lte"
	GT         Operator = "gt"
	GTE        Operator = "gte"
)

func (o Operator) ordering() bool { return o == LT || o == LTE || o == GT || o == GTE }

// encoding is one step of turning a value into the bytes that are searched for.
type encoding string

const (
	encWide         encoding = "wide"
	encUTF16LE      encoding = "utf16le"
	encUTF16BE      encoding = "utf16be"
	encUTF16        encoding = "utf16"
	encBase64       encoding = "base64"
	encBase64Offset encoding = "base64offset"
)

// Modifiers is the parsed modifier chain of an item.
type Modifiers struct {
	Op       Operator
	All      bool // every value must match, not just one
	Not      bool // neq
	FieldRef bool // values are names of fields
	Expand   bool // values hold placeholders

	regex     string // flags of re: a subset of ims
	encodings []encoding
	timePart  string // minute, hour, day, week, month or year
	cased     bool
	dashes    bool // windash
}

// ParseModifiers reads the names between the pipes in their order. Unknown
// modifiers and combinations without a meaning are errors.
func ParseModifiers(names []string) (Modifiers, error) {
	var m Modifiers
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return m, fmt.Errorf("modifier %s is given twice", name)
		}
		if err := m.add(name); err != nil {
			return m, err
		}
	}
	return m, m.check()
}

func (m *Modifiers) add(name string) error {
	switch name {
	case "contains", "startswith", "endswith", "re", "cidr", "exists", "lt", "lte", "gt", "gte":
		if m.Op != Equal {
			return fmt.Errorf("modifiers %s and %s exclude each other", m.Op, name)
		}
		m.Op = Operator(name)
	case "i", "m", "s":
		if m.Op != Regex {
			return fmt.Errorf("modifier %s must follow re", name)
		}
		m.regex += name
	case "wide", "utf16le", "utf16be", "utf16", "base64", "base64offset":
		return m.encode(encoding(name))
	case "minute", "hour", "day", "week", "month", "year":
		if m.timePart != "" {
			return fmt.Errorf("modifiers %s and %s exclude each other", m.timePart, name)
		}
		m.timePart = name
	case "all":
		m.All = true
	case "neq":
		m.Not = true
	case "cased":
		m.cased = true
	case "fieldref":
		m.FieldRef = true
	case "windash":
		m.dashes = true
	case "expand":
		m.Expand = true
	default:
		return fmt.Errorf("unknown modifier %q; hint: Sigma 2.1 has %s", name, knownModifiers)
	}
	return nil
}

const knownModifiers = "all, base64, base64offset, cased, cidr, contains, day, endswith, exists, expand, fieldref, " +
	"gt, gte, hour, lt, lte, minute, month, neq, re (i, m, s), startswith, utf16, utf16be, utf16le, week, wide, windash, year"

// encode keeps the order of encodings: it is the order of application, so an
// encoding can neither follow base64 nor act on the wildcards of contains.
func (m *Modifiers) encode(e encoding) error {
	if m.Op != Equal {
		return fmt.Errorf("modifier %s must come before %s", e, m.Op)
	}
	if len(m.encodings) > 0 {
		last := m.encodings[len(m.encodings)-1]
		if last == encBase64 || last == encBase64Offset || (e != encBase64 && e != encBase64Offset) {
			return fmt.Errorf("modifier %s cannot follow %s", e, last)
		}
	}
	m.encodings = append(m.encodings, e)
	return nil
}

// check refuses combinations without a meaning.
func (m *Modifiers) check() error {
	text := m.Op == Equal || m.Op == Contains || m.Op == StartsWith || m.Op == EndsWith
	switch {
	case m.Op == Exists && (m.All || m.Not || m.cased || m.FieldRef || m.dashes || m.Expand || m.timePart != "" || m.encodings != nil):
		return errors.New("modifier exists stands alone; hint: use exists: false instead of neq")
	case m.timePart != "" && (!m.Op.ordering() && m.Op != Equal || m.cased || m.FieldRef || m.dashes || m.Expand || m.encodings != nil):
		return fmt.Errorf("modifier %s goes with lt, lte, gt, gte, neq and all only", m.timePart)
	case m.Op.ordering() && m.Not:
		return fmt.Errorf("modifiers %s and neq exclude each other", m.Op)
	case m.FieldRef && !text:
		return fmt.Errorf("modifiers %s and fieldref exclude each other", m.Op)
	case m.FieldRef && (m.dashes || m.Expand || m.encodings != nil):
		return errors.New("modifier fieldref goes with contains, startswith, endswith, cased, neq and all only")
	case !text && (m.cased || m.dashes || m.encodings != nil):
		return fmt.Errorf("modifier %s cannot be combined with cased, windash or an encoding", m.Op)
	case m.Expand && !text && m.Op != CIDR:
		return fmt.Errorf("modifiers %s and expand exclude each other", m.Op)
	case m.dashes && m.encodings != nil:
		return errors.New("modifier windash cannot be combined with an encoding; hint: list the variants")
	}
	return nil
}

// Check refuses values that the modifiers have no meaning for. List says that
// they were written as a list.
func (m *Modifiers) Check(values []Scalar, list bool) error {
	if m.Op == Exists {
		if list || len(values) != 1 || values[0].Kind != BoolScalar {
			return errors.New("exists takes true or false")
		}
		return nil
	}
	if m.All && len(values) < 2 && !m.Expand {
		return errors.New("all needs a list of two or more values; hint: leave it out")
	}
	for _, v := range values {
		if err := m.accepts(v); err != nil {
			return err
		}
	}
	return nil
}

func (m *Modifiers) accepts(v Scalar) error {
	switch {
	case m.Op.ordering() || m.timePart != "":
		if v.Kind != NumberScalar {
			return fmt.Errorf("value %q: want a number", v.Text)
		}
		return timeRange(m.timePart, v)
	case v.Kind == NullScalar && (m.Op != Equal || m.All || m.FieldRef || m.Expand || m.dashes || m.encodings != nil):
		return errors.New("null goes with no modifier but neq")
	case v.Kind != TextScalar && (m.Op == Regex || m.Op == CIDR || m.FieldRef || m.dashes || m.encodings != nil):
		return fmt.Errorf("value %s: want text; hint: quote it", v.Text)
	}
	return nil
}

// timeRange holds the value of a time modifier to the range of the appendix; a
// value outside would be a test that never holds. ISO years have up to 53 weeks.
func timeRange(part string, v Scalar) error {
	bounds := map[string][2]float64{
		"minute": {0, 59}, "hour": {0, 23}, "day": {1, 31}, "week": {1, 53}, "month": {1, 12}, "year": {0, 9999},
	}
	b, ok := bounds[part]
	if ok && (v.Number < b[0] || v.Number > b[1]) {
		return fmt.Errorf("value %s: %s is %v to %v", v.Text, part, b[0], b[1])
	}
	return nil
}

// encodeAll applies the encodings in order. Only base64offset yields several.
func (m *Modifiers) encodeAll(t pattern.Text) ([]pattern.Text, error) {
	for _, e := range m.encodings {
		switch e {
		case encWide, encUTF16LE:
			t = t.EncodeUTF16(pattern.LittleEndian)
		case encUTF16BE:
			t = t.EncodeUTF16(pattern.BigEndian)
		case encUTF16:
			t = t.EncodeUTF16(pattern.MarkedLittleEndian)
		case encBase64:
			enc, err := t.EncodeBase64()
			if err != nil {
				return nil, err
			}
			t = enc
		case encBase64Offset:
			return t.EncodeBase64Offset()
		}
	}
	return []pattern.Text{t}, nil
}
