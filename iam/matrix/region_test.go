package matrix

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/iam/pattern"
	"github.com/rootkeep/rootkeep/internal/lot"
)

func globFrom(s string) glob {
	p := pattern.Parse(s, pattern.Syntax{Wildcards: true})
	return globOf(p.Tokens(), &iam.Context{})
}

func (g glob) String() string {
	r := region{5: g}
	return strings.TrimPrefix(r.String(), ":::::")
}

func TestGlobsMeet(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{"logs*", "*/*", "logs*/*"},
		{"logs/*", "*/*", "logs/*"},
		{"a*", "*b", "a*b"},
		{"ab*", "*bc", "ab*bc abc"},
		{"logs/*", "*/secret", "logs/*/secret logs/secret"},
		{"a*b", "*c*", "a*c*b"},
		{"*", "*/*", "*/*"},
		{"", "*", ""},
		{"a?c", "abc", "abc"},
		{"a?", "a*", "a?"},
		{"ab*", "ac*", "-"},
		{"*a", "*b", "-"},
		{"a", "", "-"},
		{"role/*", "role/app", "role/app"},
	} {
		t.Run(c.a+" and "+c.b, func(t *testing.T) {
			for _, pair := range [][2]string{{c.a, c.b}, {c.b, c.a}} {
				globs, all := globFrom(pair[0]).meet(globFrom(pair[1]))
				text := "-"
				for i, g := range globs {
					if i == 0 {
						text = g.String()
					} else {
						text += " " + g.String()
					}
				}
				if !all {
					t.Errorf("%v: not all is found", pair)
				}
				if text != c.want {
					t.Errorf("%v: got %s, want %s", pair, text, c.want)
				}
			}
		})
	}
}

// What two globs have in common is what is in one of the globs in which they meet.
func TestMeetIsInBoth(t *testing.T) {
	texts := []string{""}
	for from := 0; len(texts[from]) < 6; from++ {
		texts = append(texts, texts[from]+"a", texts[from]+"b")
	}
	parse := func(s string) pattern.Pattern { return pattern.Parse(s, pattern.Syntax{Wildcards: true}) }
	lot.Check(t, func(rt *rapid.T) {
		draw := rapid.StringOfN(rapid.RuneFrom([]rune("aab*?")), 0, 6, -1)
		a, b := draw.Draw(rt, "a"), draw.Draw(rt, "b")
		globs, all := globFrom(a).meet(globFrom(b))
		if !all {
			return
		}
		pa, pb := parse(a), parse(b)
		for _, text := range texts {
			in := false
			for _, g := range globs {
				p := parse(g.String())
				in = in || p.Match(text)
			}
			if want := pa.Match(text) && pb.Match(text); in != want {
				rt.Fatalf("%s and %s meet in %v: %q is in it %v, want %v", a, b, globs, text, in, want)
			}
		}
	})
}

func TestHostileGlobsAreGivenUp(t *testing.T) {
	for _, c := range []struct{ name, a, b string }{
		{"too many shapes", strings.Repeat("*a", 40) + "x*", strings.Repeat("a*", 40) + "*y"},
		{"too long", strings.Repeat("a?", 300) + "*", "*" + strings.Repeat("?b", 300)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, all := globFrom(c.a).meet(globFrom(c.b)); all {
				t.Error("got all, want to be told that there may be more")
			}
		})
	}
}

func TestRegionOfAPattern(t *testing.T) {
	c := iam.PartialContext(map[string][]string{"aws:username": {"ann"}})
	for _, x := range []struct{ text, want, witness string }{
		{"arn:aws:s3:::logs/*", "arn:aws:s3:::logs/*", "arn:aws:s3:::logs/zz"},
		{"arn:aws:s3:::home/${aws:username}/*", "arn:aws:s3:::home/ann/*", "arn:aws:s3:::home/ann/zz"},
		{"arn:aws:s3:::home/${aws:PrincipalTag/t}", "arn:aws:s3:::home/*", "arn:aws:s3:::home/zz"},
		{"arn:aws:s3:::a${*}b", "arn:aws:s3:::a*b", "arn:aws:s3:::a*b"},
		{"arn:aws:ec2:*:*:instance/i-?", "arn:aws:ec2:*:*:instance/i-?", "arn:aws:ec2:zz:111122223333:instance/i-z"},
		{"arn:aws:sqs*", "arn:aws:sqs*:*:*:*", "arn:aws:sqszz:zz:111122223333:zz"},
	} {
		r, ok := regionOf(x.text, true, &c)
		if got := r.String(); !ok || got != x.want {
			t.Errorf("%s: got %s, %v; want %s", x.text, got, ok, x.want)
		}
		if got := r.witness("zz", "111122223333"); got != x.witness {
			t.Errorf("%s: got witness %s, want %s", x.text, got, x.witness)
		}
	}
	if _, ok := regionOf("**", true, &c); ok {
		t.Error("stars only: got a region")
	}
}
