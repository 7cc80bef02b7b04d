// Package clause puts together the parts of SQL statements whose length depends on
// values: conditions and rows with their numbered parameters. Texts that become SQL are
// constants of the caller; values are never among them.
package clause

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
)

// Most is how many rows one statement writes. It is low because the driver of SQLite
// looks each parameter up among all of the statement: 200 rows of 20 columns at once took
// fifteen times as long as eight at a time.
const Most = 8

// Where is a condition in the making. The zero value is no condition.
type Where struct {
	text strings.Builder
	Args []any
}

// And adds a condition; each ? in it stands for the next value.
func (w *Where) And(condition string, values ...any) {
	word := " AND "
	if w.text.Len() == 0 {
		word = " WHERE "
	}
	w.text.WriteString(word)
	for i, part := range strings.Split(condition, "?") {
		if i > 0 {
			w.text.WriteString(w.Next(values[i-1]))
		}
		w.text.WriteString(part)
	}
}

// In wants a column to be one of the values; none is one of no values.
func In[T ~string](w *Where, column string, values []T) {
	if len(values) == 0 {
		w.And("1 = 0")
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = string(v)
	}
	w.And(column+" IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(args)), ", ")+")", args...)
}

// Next adds a value and gives its parameter, for the rest of the statement.
func (w *Where) Next(value any) string {
	w.Args = append(w.Args, value)
	return fmt.Sprintf("$%d", len(w.Args))
}

// String is the clause, beginning with a space and WHERE, or nothing.
func (w *Where) String() string { return w.text.String() }

// Like is the pattern of LIKE for texts that contain s, with \ as the escape character.
func Like(s string) string {
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s) + "%"
}

// Rows are the values of one INSERT.
type Rows struct {
	text strings.Builder
	Args []any
}

// Add adds a row.
func (r *Rows) Add(values ...any) {
	if r.text.Len() > 0 {
		r.text.WriteString(", ")
	}
	for i, v := range values {
		sep := ", "
		if i == 0 {
			sep = "("
		}
		r.Args = append(r.Args, v)
		fmt.Fprintf(&r.text, "%s$%d", sep, len(r.Args))
	}
	r.text.WriteString(")")
}

// String is the rows, to stand behind VALUES.
func (r *Rows) String() string { return r.text.String() }

// Cursor writes the place in a list from which the next page goes on.
func Cursor(place any) string {
	text, err := json.Marshal(place)
	if err != nil {
		panic("clause: a place that is no JSON: " + err.Error()) // places are structs of numbers and texts
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// Place reads a cursor; false for what Cursor did not write.
func Place(cursor string, into any) bool {
	const longest = 1024
	if len(cursor) > longest {
		return false
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	return err == nil && json.Unmarshal(text, into) == nil
}
