package lint

import (
	"fmt"
	"strings"

	"github.com/rootkeep/rootkeep/iam/condition"
	"github.com/rootkeep/rootkeep/iam/lint/known"
	"github.com/rootkeep/rootkeep/iam/metadata"
)

// supportedKeys judges keys of a service against actions that never send them. It
// speaks of services whose keys are complete in the table, of actions written out,
// and of conditions that need the key.
func (c *checker) supportedKeys() {
	s := c.st
	if s.Action == nil {
		return
	}
	for i := range s.conditions {
		k := &s.conditions[i]
		prefix, _, _ := strings.Cut(k.lower, ":")
		needed := k.known && k.opOK && !k.op.IfExists && k.op.Family != condition.Null && k.op.Set != condition.ForAllValues
		if !needed || k.info.Category != metadata.NotGlobal || !known.CompleteKeys(prefix) {
			continue
		}
		var at []place
		var example string
		for j, item := range s.Action.Items {
			service, name, _ := strings.Cut(item.Value, ":")
			a, ok := metadata.FindAction(service, name)
			if ok && !known.SendsKey(a, k.info.Name) {
				at, example = append(at, s.at("Action", s.Action, j)), a.String()
			}
		}
		if len(at) > 0 {
			c.add("UNSUPPORTED_ACTION_FOR_CONDITION_KEY", fmt.Sprintf("%s sends no %s", example, k.name()), append(at, k.place())...)
		}
	}
}
