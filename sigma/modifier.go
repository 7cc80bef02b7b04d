package sigma

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/sigma/pattern"
)

// operator is what an item does with its values.
type operator string

// The operators. All but the empty one are the modifiers of the same name
// (Sigma Modifiers Appendix 2.1).
const (
	opEqual      operator = ""
	opContains   operator = "contains"
	opStartsWith operator = "startswith"
	opEndsWith   operator = "endswith"
	opRegex      operator = "re"
	opCIDR       operator = "cidr"
	opExists     operator = "exists"
	opLT         operator = "lt"
	opLTE        operator = "lte"
	opGT         operator = "gt"
	opGTE        operator = "gte"
)

func (o operator) ordering() bool { return o == opLT || o == opLTE || o == opGT || o == opGTE }

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

// modifiers is the parsed modifier chain of an item.
type modifiers struct {
	op        operator
	regex     string // flags of re: a subset of ims
	encodings []encoding
	timePart  string // minute, hour, day, week, month or year
	all, not  bool
	cased     bool
	fieldRef  bool
	dashes    bool // windash
	expand    bool
}

// parseModifiers reads the names between the pipes in their order.
func parseModifiers(names []string) (modifiers, error) {
	var m modifiers
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

func (m *modifiers) add(name string) error {
	switch name {
	case "contains", "startswith", "endswith", "re", "cidr", "exists", "lt", "lte", "gt", "gte":
		if m.op != opEqual {
			return fmt.Errorf("modifiers %s and %s exclude each other", m.op, name)
		}
		m.op = operator(name)
	case "i", "m", "s":
		if m.op != opRegex {
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
		m.all = true
	case "neq":
		m.not = true
	case "cased":
		m.cased = true
	case "fieldref":
		m.fieldRef = true
	case "windash":
		m.dashes = true
	case "expand":
		m.expand = true
	default:
		return fmt.Errorf("unknown modifier %q; hint: Sigma 2.1 has %s", name, knownModifiers)
	}
	return nil
}

const knownModifiers = "all, base64, base64offset, cased, cidr, contains, day, endswith, exists, expand, fieldref, " +
	"gt, gte, hour, lt, lte, minute, month, neq, re (i, m, s), startswith, utf16, utf16be, utf16le, week, wide, windash, year"

// encode keeps the order of encodings: it is the order of application, so an
// encoding can neither follow base64 nor act on the wildcards of contains.
func (m *modifiers) encode(e encoding) error {
	if m.op != opEqual {
		return fmt.Errorf("modifier %s must come before %s", e, m.op)
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
func (m *modifiers) check() error {
	text := m.op == opEqual || m.op == opContains || m.op == opStartsWith || m.op == opEndsWith
	switch {
	case m.op == opExists && (m.all || m.not || m.cased || m.fieldRef || m.dashes || m.expand || m.timePart != "" || m.encodings != nil):
		return errors.New("modifier exists stands alone; hint: use exists: false instead of neq")
	case m.timePart != "" && (!m.op.ordering() && m.op != opEqual || m.cased || m.fieldRef || m.dashes || m.expand || m.encodings != nil):
		return fmt.Errorf("modifier %s goes with lt, lte, gt, gte, neq and all only", m.timePart)
	case m.op.ordering() && m.not:
		return fmt.Errorf("modifiers %s and neq exclude each other", m.op)
	case m.fieldRef && !text:
		return fmt.Errorf("modifiers %s and fieldref exclude each other", m.op)
	case m.fieldRef && (m.dashes || m.expand || m.encodings != nil):
		return errors.New("modifier fieldref goes with contains, startswith, endswith, cased, neq and all only")
	case !text && (m.cased || m.dashes || m.encodings != nil):
		return fmt.Errorf("modifier %s cannot be combined with cased, windash or an encoding", m.op)
	case m.expand && !text && m.op != opCIDR:
		return fmt.Errorf("modifiers %s and expand exclude each other", m.op)
	case m.dashes && m.encodings != nil:
		return errors.New("modifier windash cannot be combined with an encoding; hint: list the variants")
	}
	return nil
}

// checkValues refuses values of a type that the modifiers have no meaning for.
func (it *item) checkValues(list bool) error {
	m := &it.mods
	if m.op == opExists {
		if list || len(it.values) != 1 || it.values[0].kind != boolScalar {
			return errors.New("exists takes true or false")
		}
		return nil
	}
	if m.all && len(it.values) < 2 && !m.expand {
		return errors.New("all needs a list of two or more values; hint: leave it out")
	}
	for _, v := range it.values {
		if err := m.accepts(v); err != nil {
			return err
		}
	}
	return nil
}

func (m *modifiers) accepts(v scalar) error {
	switch {
	case m.op.ordering() || m.timePart != "":
		if v.kind != numberScalar {
			return fmt.Errorf("value %q: want a number", v.text)
		}
		return timeRange(m.timePart, v)
	case v.kind == nullScalar && (m.op != opEqual || m.all || m.fieldRef || m.expand || m.dashes || m.encodings != nil):
		return errors.New("null goes with no modifier but neq")
	case v.kind != textScalar && (m.op == opRegex || m.op == opCIDR || m.fieldRef || m.dashes || m.encodings != nil):
		return fmt.Errorf("value %s: want text; hint: quote it", v.text)
	}
	return nil
}

// timeRange holds the value of a time modifier to the range of the appendix; a
// value outside would be a test that never holds. ISO years have up to 53 weeks.
func timeRange(part string, v scalar) error {
	bounds := map[string][2]float64{
		"minute": {0, 59}, "hour": {0, 23}, "day": {1, 31}, "week": {1, 53}, "month": {1, 12}, "year": {0, 9999},
	}
	b, ok := bounds[part]
	if ok && (v.number < b[0] || v.number > b[1]) {
		return fmt.Errorf("value %s: %s is %v to %v", v.text, part, b[0], b[1])
	}
	return nil
}

// encodeAll applies the encodings in order. Only base64offset yields several.
func (m *modifiers) encodeAll(t pattern.Text) ([]pattern.Text, error) {
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

// validPath checks a dotted field path.
func validPath(path string) error {
	if path == "" || slices.Contains(strings.Split(path, "."), "") {
		return fmt.Errorf("field %q: want names separated by single dots", path)
	}
	return nil
}
