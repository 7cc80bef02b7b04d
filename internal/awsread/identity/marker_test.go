package identity

import "testing"

func TestAListThatBreaksOffIsAnError(t *testing.T) {
	more := "m"
	for _, c := range []struct {
		name      string
		truncated bool
		next      *string
		fails     bool
	}{{"the end", false, nil, false}, {"the end with a marker", false, &more, false}, {"more", true, &more, false}, {"more, and not where", true, nil, true}} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := marker(c.truncated, c.next); (err != nil) != c.fails || (got != nil) != (c.truncated && !c.fails) {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
