package posture

import (
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// element is one element of a list of facts, as all controls that judge it see it.
type element struct {
	place
	value  ref.Val            // for CEL
	own    []facts.Gap        // what is not known of this one
	keeper rootkeep.AccountID // the account that judges it instead, "" for none
}

// place is what a finding is about.
type place struct {
	region   rootkeep.Region
	resource string
}

// elements are those of a list, worked out for the first control that asks.
func (j *judge) elements(branch string) []element {
	if known, ok := j.lists[branch]; ok {
		return known
	}
	field := strings.ReplaceAll(branch, "_", "")
	list := reflect.ValueOf(&j.snapshot.Facts).Elem().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, field) })
	out := make([]element, list.Len())
	for i := range out {
		e := list.Index(i)
		key := e.Field(0).String()
		out[i] = element{place: j.placeOf(branch, key), value: j.adapter.NativeToValue(e.Addr().Interface()), own: j.own[key]}
		if id, ok := j.keeper(branch, key); ok {
			out[i].keeper = id
		}
	}
	j.lists[branch] = out
	return out
}

// placeOf is where an element with this key is; without one, the account.
func (j *judge) placeOf(branch, key string) place {
	if key == "" {
		return place{resource: j.root}
	}
	if branch == "regions" {
		return place{rootkeep.Region(key), j.root}
	}
	if arn, err := rootkeep.ParseARN(key); err == nil {
		return place{arn.Region, key}
	}
	return place{resource: key}
}

// rootOf names the account where a finding is about no part of it.
func rootOf(s *facts.Snapshot) string {
	if s.Account == "" {
		return "account" // no file says which
	}
	return "arn:aws:iam::" + string(s.Account) + ":root"
}

// values are what the expressions of all controls may name.
func (j *judge) values() map[string]any {
	out := map[string]any{
		"facts": &j.snapshot.Facts, "now": j.Now, "iam": j.iam, "account": string(j.snapshot.Account), "scan_keys": j.keys, "denied": j.denied,
	}
	for name, v := range out {
		out[name] = j.adapter.NativeToValue(v) // once, not whenever an expression names it
	}
	return out
}

// adapter makes values of CEL from facts.
func adapter() types.Adapter {
	env, err := common()
	if err != nil {
		panic("posture: " + err.Error()) // Load refuses every control then
	}
	return env.CELTypeAdapter()
}
