package call

import (
	"errors"
	"strconv"
	"testing"

	"github.com/rootkeep/rootkeep/internal/facts"
)

func TestCountingEndsAfterFivePages(t *testing.T) {
	lost := errors.New("lost")
	for _, c := range []struct {
		name  string
		pages int // that AWS has; 0 is an error on the third
		asked int
		want  facts.Count
	}{
		{"one page", 1, 1, facts.Count{N: 10}},
		{"five pages", 5, 5, facts.Count{N: 50}},
		{"more than are counted", 6, 5, facts.Count{N: 50, More: true}},
		{"pages without end", 1 << 30, 5, facts.Count{N: 50, More: true}},
		{"a page that fails", 0, 3, facts.Count{N: 20}},
	} {
		asked, planned := 0, 1
		p := &Place{Calls: func(_, more int) { planned += more }}
		got, err := p.Count(func(token *string) (int, *string, error) {
			if asked++; c.pages == 0 && asked == 3 {
				return 0, nil, lost
			}
			if asked == c.pages {
				return 10, nil, nil
			}
			next := strconv.Itoa(asked)
			return 10, &next, nil
		})
		if got != c.want || asked != c.asked || planned != c.asked {
			t.Errorf("%s: got %+v after %d pages of %d planned, want %+v after %d", c.name, got, asked, planned, c.want, c.asked)
		}
		if (err != nil) != (c.pages == 0) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}
