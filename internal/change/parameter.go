package change

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rootkeep/rootkeep/internal/rule"
)

// maxTexts bounds a parameter that is a list.
const maxTexts = 1000

var parameterTypes = []string{"text", "number", "yes-no", "texts", "duration"}

func (p *Parameter) check() error {
	switch {
	case p.About == "":
		return errors.New("about is missing")
	case !slices.Contains(parameterTypes, p.Type):
		return fmt.Errorf("type %q: want one of %s", p.Type, strings.Join(parameterTypes, ", "))
	case p.Required == (p.Default != nil):
		return errors.New("want either required or a default")
	case (p.Pattern != "" || len(p.OneOf) > 0) && p.Type != "text" && p.Type != "texts":
		return errors.New("pattern and one_of are for texts")
	case (p.Least != nil || p.Most != nil) && p.Type != "number":
		return errors.New("least and most are for numbers")
	}
	return nil
}

// Read takes a value of YAML, of JSON or of the command line (a text, where lists are
// joined by commas) and gives it as expressions see it: text, int64, bool, []any of
// texts; a duration in whole seconds as int64.
func (p *Parameter) Read(v any) (any, error) {
	switch p.Type {
	case "number":
		return p.number(v)
	case "yes-no":
		switch v {
		case true, "yes", "true":
			return true, nil
		case false, "no", "false":
			return false, nil
		}
	case "duration":
		if n, ok := v.(int64); ok && n >= 0 { // seconds, as it is kept
			return n, nil
		}
		if s, ok := v.(string); ok {
			d, err := rule.ParseDuration(s)
			return int64(d) / 1e9, err
		}
	case "texts":
		return p.texts(v)
	case "text":
		if s, ok := v.(string); ok {
			return s, p.allows(s)
		}
	}
	return nil, fmt.Errorf("%v: want a %s", v, p.Type)
}

func (p *Parameter) number(v any) (any, error) {
	var n int64
	switch x := v.(type) {
	case int64:
		n = x
	case uint64:
		if n = int64(x); n < 0 {
			return nil, fmt.Errorf("%d: want a number of 64 bits", x)
		}
	case float64:
		if n = int64(x); float64(n) != x {
			return nil, fmt.Errorf("%v: want a whole number", x)
		}
	case string:
		var err error
		if n, err = strconv.ParseInt(x, 10, 64); err != nil {
			return nil, fmt.Errorf("%q: want a whole number", x)
		}
	default:
		return nil, fmt.Errorf("%v: want a whole number", v)
	}
	if p.Least != nil && n < *p.Least || p.Most != nil && n > *p.Most {
		return nil, fmt.Errorf("%d is out of range%s", n, p.bounds())
	}
	return n, nil
}

func (p *Parameter) bounds() string {
	out := ""
	if p.Least != nil {
		out += fmt.Sprintf(", at least %d", *p.Least)
	}
	if p.Most != nil {
		out += fmt.Sprintf(", at most %d", *p.Most)
	}
	return out
}

func (p *Parameter) texts(v any) (any, error) {
	out := []any{}
	switch x := v.(type) {
	case string:
		for s := range strings.SplitSeq(x, ",") {
			if s = strings.TrimSpace(s); s != "" {
				out = append(out, s)
			}
		}
	case []any:
		out = append(out, x...)
	case []string:
		for _, s := range x {
			out = append(out, s)
		}
	default:
		return nil, fmt.Errorf("%v: want a list of texts", v)
	}
	if len(out) > maxTexts {
		return nil, fmt.Errorf("%d texts, at most %d", len(out), maxTexts)
	}
	seen := map[string]bool{}
	for _, e := range out {
		s, ok := e.(string)
		if !ok {
			return nil, fmt.Errorf("%v: want a text", e)
		}
		if err := p.allows(s); err != nil {
			return nil, err
		}
		if seen[s] { // of a list of things that are to be there, AWS would be asked for one twice
			return nil, fmt.Errorf("%q stands there twice", s)
		}
		seen[s] = true
	}
	return out, nil
}

// maxParameter bounds one text, bytes.
const maxParameter = 8 << 10

func (p *Parameter) allows(s string) error {
	switch {
	case len(s) > maxParameter:
		return fmt.Errorf("a text of %d bytes, at most %d", len(s), maxParameter)
	case len(p.OneOf) > 0 && !slices.Contains(p.OneOf, s):
		return fmt.Errorf("%q: want one of %s", s, strings.Join(p.OneOf, ", "))
	case p.pattern != nil && !p.pattern.MatchString(s):
		return fmt.Errorf("%q does not match %s", s, p.Pattern)
	case p.Required && s == "":
		return errors.New("it is empty")
	}
	return nil
}

// Arguments reads what was said for the parameters of the kind, and takes the defaults
// of the others.
func (k *Kind) Arguments(given map[string]any) (map[string]any, error) {
	out := map[string]any{}
	for name := range given {
		if _, ok := k.Parameters[name]; !ok {
			return nil, fmt.Errorf("%s has no parameter %q%s", k.ID, name, k.parameterHint())
		}
	}
	for _, name := range slices.Sorted(maps.Keys(k.Parameters)) {
		p := k.Parameters[name]
		v, ok := given[name]
		switch {
		case !ok && p.Required:
			return nil, fmt.Errorf("%s needs the parameter %s: %s", k.ID, name, p.About)
		case !ok:
			v = p.Default
		}
		var err error
		if out[name], err = p.Read(v); err != nil {
			return nil, fmt.Errorf("parameter %s: %w", name, err)
		}
	}
	return out, nil
}

func (k *Kind) parameterHint() string {
	if len(k.Parameters) == 0 {
		return ""
	}
	return "; hint: it has " + strings.Join(slices.Sorted(maps.Keys(k.Parameters)), ", ")
}
