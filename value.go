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
	filled  []int     // scanned fields that have a value: few of many
	rest    [][]Value // by field: further values, nearly always none
	several []int     // fields that have further values
	derived int       // fields at or above this number come from Derive
	known   []bool
}

// keptValues is how much room for further values a field keeps from one record
// to the next: a hostile record with a million must not cost memory for ever.
const keptValues = 1024

// NewView makes a view of n scanned fields followed by derived further ones.
func NewView(scanned, derived int) *View {
	return &View{
		first:   make([]Value, scanned+derived),
		rest:    make([][]Value, scanned),
		derived: scanned,
		known:   make([]bool, derived),
	}
}

// Reset forgets the record.
func (v *View) Reset() {
	for _, field := range v.filled {
		v.first[field] = Value{}
	}
	v.filled = v.filled[:0]
	if len(v.known) > 0 {
		clear(v.known)
		clear(v.first[v.derived:])
	}
	for _, field := range v.several {
		if cap(v.rest[field]) > keptValues {
			v.rest[field] = nil
		}
		v.rest[field] = v.rest[field][:0]
	}
	v.several = v.several[:0]
}

// Add records one more value of a scanned field.
func (v *View) Add(field int, val Value) {
	if v.first[field].Kind == Absent {
		v.first[field] = val
		v.filled = append(v.filled, field)
		return
	}
	if len(v.rest[field]) == 0 {
		v.several = append(v.several, field)
	}
	v.rest[field] = append(v.rest[field], val)
}

// Len is the number of fields, scanned and derived.
func (v *View) Len() int { return len(v.first) }

// At is the first value of a field, Kind Absent when it has none.
func (v *View) At(field int) Value {
	if field >= v.derived {
		v.deriveOnce(field) // apart, so that the rest is inlined
	}
	return v.first[field]
}

func (v *View) deriveOnce(field int) {
	if known := &v.known[field-v.derived]; !*known {
		*known = true
		if v.Derive != nil {
			v.first[field] = v.Derive(v, field)
		}
	}
}

// Text is the text of a field's first value, nil when it has none.
func (v *View) Text(field int) []byte { return v.At(field).Text }

// Several says whether any field of the record has more than one value. While
// it is false, At tells everything.
func (v *View) Several() bool { return len(v.several) > 0 }

// More is the i-th further value of a field after At, false when there is none.
func (v *View) More(field, i int) (Value, bool) {
	if field >= v.derived || i >= len(v.rest[field]) {
		return Value{}, false
	}
	return v.rest[field][i], true
}
