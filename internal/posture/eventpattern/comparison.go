package eventpattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// test takes one value of an event, a leaf, or absent.
type test func(v any) Truth

// readTests reads the list of a leaf.
func readTests(list []any, at string) ([]test, error) {
	if len(list) == 0 {
		return nil, fmt.Errorf("%s: an empty list", at)
	}
	out := make([]test, len(list))
	for i, item := range list {
		var err error
		switch item := item.(type) {
		case map[string]any:
			out[i], err = readOperator(item)
		case []any:
			err = errors.New("a list in a list")
		default:
			out[i] = equal(item)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
	}
	return out, nil
}

// readOperator reads an object of one member, such as {"prefix": "aws."}.
func readOperator(m map[string]any) (test, error) {
	if len(m) != 1 {
		return nil, fmt.Errorf("%d comparisons in one object, want one", len(m))
	}
	for name, v := range m {
		read := operator(name)
		if read == nil {
			return nil, fmt.Errorf("%q is no comparison", name)
		}
		t, err := read(v)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		return t, nil
	}
	return nil, nil
}

// operator finds what reads a comparison, nil if there is none of the name.
func operator(name string) func(any) (test, error) {
	switch name {
	case "exists":
		return exists
	case "numeric":
		return numeric
	case "cidr":
		return cidr
	case "anything-but":
		return anythingBut
	case "prefix", "suffix", "wildcard", "equals-ignore-case":
		return func(v any) (test, error) { return textual(name, v) }
	}
	return nil
}

// equal compares as EventBridge does: numbers by their text, so that 300 and 3.0e2 are
// not the same.
func equal(want any) test {
	return func(v any) Truth {
		switch v.(type) {
		case map[string]any, []any, absent:
			return no
		}
		return truth(v == want)
	}
}

// exists asks about leaves: what it gives for an object AWS does not say.
func exists(v any) (test, error) {
	want, ok := v.(bool)
	if !ok {
		return nil, errors.New("want true or false")
	}
	return func(v any) Truth {
		switch v.(type) {
		case absent:
			return truth(!want)
		case map[string]any:
			return unknown
		}
		return truth(want)
	}, nil
}

// numeric reads a list of one or two comparisons: [">", 0, "<=", 5].
func numeric(v any) (test, error) {
	list, ok := v.([]any)
	if !ok || len(list) == 0 || len(list)%2 != 0 || len(list) > 4 {
		return nil, errors.New(`want a list such as [">", 0, "<=", 5]`)
	}
	type bound struct {
		sign  string
		limit float64
	}
	var bounds []bound
	for i := 0; i < len(list); i += 2 {
		sign, _ := list[i].(string)
		number, ok := list[i+1].(json.Number)
		limit, err := number.Float64()
		if _, known := compare(sign, 0, 0); !known || !ok || err != nil {
			return nil, fmt.Errorf("%v %v, want one of = < <= > >= and a number", list[i], list[i+1])
		}
		bounds = append(bounds, bound{sign, limit})
	}
	return func(v any) Truth {
		number, ok := v.(json.Number)
		n, err := number.Float64()
		if !ok || err != nil {
			return no
		}
		for _, b := range bounds {
			if holds, _ := compare(b.sign, n, b.limit); !holds {
				return no
			}
		}
		return yes
	}, nil
}

func compare(sign string, a, b float64) (holds, known bool) {
	switch sign {
	case "=":
		return a == b, true
	case "<":
		return a < b, true
	case "<=":
		return a <= b, true
	case ">":
		return a > b, true
	case ">=":
		return a >= b, true
	}
	return false, false
}

// cidr takes addresses within a range, of IPv4 or IPv6.
func cidr(v any) (test, error) {
	text, _ := v.(string)
	network, err := netip.ParsePrefix(text)
	if err != nil {
		return nil, fmt.Errorf("%v, want a range such as 10.0.0.0/24", v)
	}
	return func(v any) Truth {
		text, _ := v.(string)
		address, err := netip.ParseAddr(text)
		return truth(err == nil && network.Contains(address))
	}, nil
}

// textual reads a comparison with a text. Prefix and suffix may ignore case, too.
func textual(name string, v any) (test, error) {
	fold := false
	if m, ok := v.(map[string]any); ok && len(m) == 1 && (name == "prefix" || name == "suffix") {
		if inner, ok := m["equals-ignore-case"]; ok {
			v, fold = inner, true
		}
	}
	want, ok := v.(string)
	if !ok {
		return nil, fmt.Errorf("%s, want a text", strconv.Quote(fmt.Sprint(v)))
	}
	parts, err := []string(nil), error(nil)
	if name == "wildcard" {
		if parts, err = split(want); err != nil {
			return nil, err
		}
	}
	return func(v any) Truth {
		text, ok := v.(string)
		if !ok {
			return no
		}
		switch name {
		case "equals-ignore-case":
			return truth(strings.EqualFold(text, want))
		case "wildcard":
			return truth(wild(parts, text))
		}
		if len(text) < len(want) {
			return no
		}
		part := text[:len(want)]
		if name == "suffix" {
			part = text[len(text)-len(want):]
		}
		return truth(part == want || fold && strings.EqualFold(part, want))
	}, nil
}

// split cuts a wildcard at its stars. A backslash takes the special meaning from a star
// or a backslash; two stars in a row are refused, as AWS does.
func split(text string) ([]string, error) {
	parts := []string{""}
	last := func() *string { return &parts[len(parts)-1] }
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && (i+1 == len(text) || text[i+1] != '*' && text[i+1] != '\\'):
			return nil, errors.New(`a \ before something other than * or \`)
		case c == '\\':
			i++
			*last() += string(text[i])
		case c == '*' && i > 0 && text[i-1] == '*' && *last() == "" && len(parts) > 1:
			return nil, errors.New("two stars in a row")
		case c == '*':
			parts = append(parts, "")
		default:
			*last() += text[i : i+1]
		}
	}
	return parts, nil
}

// wild looks for the parts in their order; the first part begins the text, the last ends it.
func wild(parts []string, text string) bool {
	first, last := parts[0], parts[len(parts)-1]
	if len(parts) == 1 {
		return text == first
	}
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(text, part)
		if i < 0 {
			return false
		}
		text = text[i+len(part):]
	}
	return true
}

// anythingBut takes a value that is there and is none of those listed, or that one
// comparison with texts does not take.
func anythingBut(v any) (test, error) {
	name, inner := "", v
	if m, ok := v.(map[string]any); ok {
		if len(m) != 1 {
			return nil, errors.New("want one comparison")
		}
		for name, inner = range m {
		}
		switch name {
		case "prefix", "suffix", "wildcard", "equals-ignore-case":
		default:
			return nil, fmt.Errorf("%q does not go with it", name)
		}
	}
	refused, err := refusals(name, inner)
	if err != nil {
		return nil, err
	}
	return func(v any) Truth {
		switch v.(type) {
		case absent, map[string]any:
			return no
		case nil:
			return unknown // whether null is anything AWS does not say
		}
		for _, t := range refused {
			if t(v) == yes {
				return no
			}
		}
		return yes
	}, nil
}

// refusals reads what anything-but refuses: one value or a list, compared as a whole or
// by the comparison named.
func refusals(name string, v any) ([]test, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return nil, errors.New("an empty list")
	}
	out := make([]test, len(list))
	for i, item := range list {
		_, isText := item.(string)
		_, isNumber := item.(json.Number)
		var err error
		switch {
		case name != "":
			out[i], err = textual(name, item)
		case isText || isNumber:
			out[i] = equal(item)
		default:
			err = fmt.Errorf("%v, want texts or numbers", item)
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
