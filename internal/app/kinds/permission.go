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

// Reading are the IAM actions of the role that changes are planned and read back with,
// and the tasks of the root sessions that it takes, both sorted.
func (c *Catalogue) Reading() (actions, tasks []string) {
	actions = []string{"organizations:DescribeOrganization"} // of every plan
	for _, k := range c.Kinds {
		operations, of := k.Reading()
		tasks = append(tasks, of...)
		for _, name := range operations {
			o, _ := Known(name)
			actions = append(actions, o.Actions...)
		}
	}
	slices.Sort(actions)
	slices.Sort(tasks)
	return slices.Compact(actions), slices.Compact(tasks)
}
