package approvals

import "github.com/rootkeep/rootkeep/internal/web/page"

// Field is one field of what is signed: what it says, as text.
type Field struct{ Term, Text string }

// Fields reads a subject as the fields that its approvers sign. Its methods are what a Face
// needs of it.
type Fields func(subject []byte) ([]Field, error)

// Facts are the fields, as pages show them.
func (read Fields) Facts(subject []byte) ([]page.Fact, error) {
	list, err := read(subject)
	if err != nil {
		return nil, err
	}
	out := make([]page.Fact, len(list))
	for i, f := range list {
		out[i] = page.Fact{Term: f.Term, Value: page.LongText(f.Text)}
	}
	return out, nil
}

// Differences are the fields that differ from one version to the next: those of the later
// one in its order, then those that it has no more.
func (read Fields) Differences(before, after []byte) ([]Difference, error) {
	old, err := read(before)
	if err != nil {
		return nil, err
	}
	now, err := read(after)
	if err != nil {
		return nil, err
	}
	was := map[string]string{}
	for _, f := range old {
		was[f.Term] = f.Text
	}
	var out []Difference
	for _, f := range now {
		if text, there := was[f.Term]; !there || text != f.Text {
			out = append(out, Difference{Field: f.Term, Before: text, After: f.Text})
		}
		delete(was, f.Term)
	}
	for _, f := range old {
		if text, gone := was[f.Term]; gone {
			out = append(out, Difference{Field: f.Term, Before: text})
		}
	}
	return out, nil
}
