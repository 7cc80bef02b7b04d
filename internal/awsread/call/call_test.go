package call

import (
	"strconv"
	"strings"
	"testing"
)

func TestPagesEndOrAreAnError(t *testing.T) {
	text := func(s string) *string { return &s }
	for _, c := range []struct {
		name  string
		next  func(page int) *string
		want  string
		pages int
	}{
		{"one page", func(int) *string { return nil }, "", 1},
		{"three pages", func(page int) *string {
			if page == 3 {
				return text("")
			}
			return text(strconv.Itoa(page))
		}, "", 3},
		{"the same token again", func(int) *string { return text("a") }, "twice", 2},
		{"no end", func(page int) *string { return text(strconv.Itoa(page)) }, "more than 1000 pages", 1000},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := 0
			p := &Place{}
			got, err := Gather(p, func(*string) ([]int, *string, error) {
				page++
				return []int{page}, c.next(page), nil
			})
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if page != c.pages || len(got) != c.pages {
				t.Errorf("got %d pages with %d elements, want %d", page, len(got), c.pages)
			}
		})
	}
}
