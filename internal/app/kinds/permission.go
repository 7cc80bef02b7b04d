package kinds

import "slices"

// Permissions are the IAM actions that the kinds of a class need, sorted, and how many
// kinds that are. Those that a person carries out need none of rootkeep.
func (c *Catalogue) Permissions(class string) (actions []string, kinds int) {
	for _, k := range c.Kinds {
		if k.Class == class && len(k.Guide) == 0 {
			actions = append(actions, k.Needs...)
			kinds++
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions), kinds
}
