// Package form is the form of a request in a content file: a value of YAML in whose texts
// slots stand, such as ${notice.title}. What the slots come to goes in; a value that is
// written as JSON comes out, so that a text fills its place and never adds one. It reads the
// JSON of answers by path as well.
package form

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Slot is what stands for something in a text of a notifier: a name such as
// notice.title, or a function of one, such as slack(lines(notice.text), 2900).
type Slot struct {
	Of, Name string // of a name
	Function string // of a function
	Argument *Slot
	Limit    int // 0 for the function's own
}

var (
	slotText  = regexp.MustCompile(`\$\{[^}]*\}`)
	wholeSlot = regexp.MustCompile(`^\$\{[^}]*\}$`)
)

// Slots are the slots of a text, with what encloses them.
func Slots(text string) []string { return slotText.FindAllString(text, -1) }

// SlotIndex is where the slots of a text begin and end.
func SlotIndex(text string) [][]int { return slotText.FindAllStringIndex(text, -1) }

const deepestSlot = 5

// Parse reads a slot, with what encloses it.
func Parse(found string) (*Slot, error) {
	return parse(strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(found, "${"), "}")), 0)
}

// Innermost is the name that the functions of the slot are called with.
func (s *Slot) Innermost() *Slot {
	for s.Function != "" {
		s = s.Argument
	}
	return s
}

// Put is a text with its slots filled in. A slot alone gives its value as it is: a number, a
// list.
func Put(text string, value func(*Slot) any) (any, error) {
	if wholeSlot.MatchString(text) {
		s, err := Parse(text)
		if err != nil {
			return nil, err
		}
		return value(s), nil
	}
	var bad error
	out := slotText.ReplaceAllStringFunc(text, func(found string) string {
		s, err := Parse(found)
		if err != nil {
			bad = err
			return ""
		}
		return Written(value(s))
	})
	return out, bad
}

// Written is a value inside a text.
func Written(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var list []string
		for _, e := range v {
			list = append(list, Written(e))
		}
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}

func parse(s string, depth int) (*Slot, error) {
	if depth > deepestSlot {
		return nil, fmt.Errorf("more than %d functions in each other", deepestSlot)
	}
	function, rest, call := strings.Cut(s, "(")
	if !call {
		of, name, _ := strings.Cut(s, ".")
		return &Slot{Of: of, Name: name}, nil
	}
	inner, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return nil, errors.New("a bracket that nothing closes")
	}
	out := &Slot{Function: strings.TrimSpace(function)}
	if at := strings.LastIndex(inner, ","); at > strings.LastIndex(inner, ")") {
		n, err := strconv.Atoi(strings.TrimSpace(inner[at+1:]))
		if err != nil || n < 1 || n > MostRunes {
			return nil, fmt.Errorf("%q: want a number of characters, 1 to %d", strings.TrimSpace(inner[at+1:]), MostRunes)
		}
		out.Limit, inner = n, inner[:at]
	}
	var err error
	out.Argument, err = parse(strings.TrimSpace(inner), depth+1)
	return out, err
}

// MostRunes bounds what one slot comes to.
const MostRunes = 100_000
