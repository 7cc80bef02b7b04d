package form

import "fmt"

const deepestBody = 20

// Putting fills in a text of a notifier.
type Putting func(string) (any, error)

// Filling copies a value of YAML and puts in what its texts stand for. A member or an element
// that is one slot, and comes to nothing, is left out; so is a map with a member "if" that
// comes to nothing. A map of a list with a member "each" is there once for each of Items.
type Filling struct {
	Put   Putting
	Items []Putting
}

// nothing stands for what is left out.
type nothing struct{}

// The members that say whether and how often a map is there.
const (
	onlyIf   = "if"
	forEach  = "each"
	ofDigest = "${notice.items}" // what forEach takes
)

// Fill is the value with what stands in it, nil if that is nothing.
func (f Filling) Fill(v any) (any, error) {
	out, err := f.fill(v, 0)
	if _, left := out.(nothing); left {
		out = nil
	}
	return out, err
}

func (f Filling) fill(v any, depth int) (any, error) {
	if depth > deepestBody {
		return nil, fmt.Errorf("request: a body of more than %d levels", deepestBody)
	}
	switch v := v.(type) {
	case string:
		out, err := f.Put(v)
		if out == "" && v != "" && wholeSlot.MatchString(v) {
			return nothing{}, err
		}
		return out, err
	case map[string]any:
		return f.fillMap(v, depth)
	case []any:
		return f.fillList(v, depth)
	case bool, nil, int, int64, uint64, float64:
		return v, nil
	}
	return nil, fmt.Errorf("request: a %T in the body, want texts, numbers, lists and maps", v)
}

func (f Filling) fillList(v []any, depth int) (any, error) {
	out := []any{}
	for _, member := range v {
		times := []Filling{f}
		if m, ok := member.(map[string]any); ok && m[forEach] != nil {
			if m[forEach] != ofDigest {
				return nil, fmt.Errorf("request: each: %v, want %s", m[forEach], ofDigest)
			}
			times = nil
			for _, put := range f.Items {
				times = append(times, Filling{Put: put})
			}
		}
		for _, each := range times {
			filled, err := each.fill(member, depth+1)
			if err != nil {
				return nil, err
			}
			if _, left := filled.(nothing); !left {
				out = append(out, filled)
			}
		}
	}
	return out, nil
}

func (f Filling) fillMap(v map[string]any, depth int) (any, error) {
	out := map[string]any{}
	for name, member := range v {
		if name == forEach && member == ofDigest {
			continue
		}
		filled, err := f.fill(member, depth+1)
		if err != nil {
			return nil, err
		}
		_, left := filled.(nothing)
		switch {
		case left && name == onlyIf:
			return nothing{}, nil
		case !left && name != onlyIf:
			out[name] = filled
		}
	}
	return out, nil
}
