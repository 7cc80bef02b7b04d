package rootkeep

// Kind is the JSON type of a Value.
type Kind uint8

// The kinds. Absent is the zero value: the path does not exist in the record.
const (
	Absent Kind = iota
	Null
	Bool
	Number
	String
	Object
	Array
)

// Value is what one field path holds in one record.
//
// Text is: for String the decoded text (escapes resolved); for Bool and Number
// the JSON token as written; for Object and Array the raw JSON as delivered;
// for Null and Absent nil. An array met at the end of a path is expanded, one
// Value per element (nested arrays too), so Kind Array only ever stands for an
// empty array.
type Value struct {
	Kind Kind
	Text []byte
}

// View holds the values of one record for the field paths that somebody asked
// for, by field number. It is filled by a scanner and read by matchers. All of
// it is valid only until the scanner moves to the next record.
//
// A field has several values when its path crosses an array, ends at one, or
// when an object repeats a key: each of them is kept, because dropping either
// copy of a repeated key would let a forger choose what a rule sees.
type View struct {
	// Derive, when set, computes the value of a field that no scanner fills (a
	// field computed from others, such as the country of an address). It is
	// called by At and Each at most once per field and record.
	Derive func(v *View, field int) Value

	first   []Value
	more    []extra
	derived int // fields at or above this number come from Derive
	known   []bool
}

type extra struct {
	field int
	value Value
}

// NewView makes a view of n scanned fields followed by derived further ones.
func NewView(scanned, derived int) *View {
	return &View{
		first:   make([]Value, scanned+derived),
		derived: scanned,
		known:   make([]bool, derived),
	}
}

// Reset forgets the record.
func (v *View) Reset() {
	clear(v.first)
	v.more = v.more[:0]
	clear(v.known)
}

// Clear forgets one field, so that a scanner can replace part of a record.
func (v *View) Clear(field int) {
	v.first[field] = Value{}
	if len(v.more) == 0 {
		return
	}
	kept := v.more[:0]
	for _, e := range v.more {
		if e.field != field {
			kept = append(kept, e)
		}
	}
	v.more = kept
}

// Add records one more value of a scanned field.
func (v *View) Add(field int, val Value) {
	if v.first[field].Kind == Absent {
		v.first[field] = val
		return
	}
	v.more = append(v.more, extra{field, val})
}

// Len is the number of fields, scanned and derived.
func (v *View) Len() int { return len(v.first) }

// At is the first value of a field, Kind Absent when it has none.
func (v *View) At(field int) Value {
	if field >= v.derived && !v.known[field-v.derived] {
		v.known[field-v.derived] = true
		if v.Derive != nil {
			v.first[field] = v.Derive(v, field)
		}
	}
	return v.first[field]
}

// Text is the text of a field's first value, nil when it has none.
func (v *View) Text(field int) []byte { return v.At(field).Text }

// Several says whether any field of the record has more than one value. While
// it is false, At tells everything.
func (v *View) Several() bool { return len(v.more) > 0 }

// More is the i-th further value of a field after At, false when there is none.
func (v *View) More(field, i int) (Value, bool) {
	for _, e := range v.more {
		if e.field == field {
			if i == 0 {
				return e.value, true
			}
			i--
		}
	}
	return Value{}, false
}
