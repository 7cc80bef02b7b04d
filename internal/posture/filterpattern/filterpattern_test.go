package filterpattern_test

import (
	"errors"
	"testing"

	"github.com/rootkeep/rootkeep/internal/posture/filterpattern"
)

const root = `{"eventType":"AwsApiCall","eventName":"CreateUser","userIdentity":{"type":"Root"},"n":3,"zero":0,"on":true,"off":false,"nil":null,"list":[{"a":1},{"a":2}],"ip":"192.0.2.1","a.b":"x"}`

func TestMatch(t *testing.T) {
	const yes, no, unknown = filterpattern.True, filterpattern.False, filterpattern.Unknown
	for _, c := range []struct {
		name, pattern, event string
		want                 filterpattern.Truth
	}{
		{"CIS's root pattern", `{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`, root, yes},
		{"the same without quotation marks", `{$.userIdentity.type=Root&&$.userIdentity.invokedBy NOT EXISTS&&$.eventType!=AwsServiceEvent}`, root, yes},
		{"in parentheses and another order", `{ ($.eventType != "AwsServiceEvent") && (($.userIdentity.type = "Root")) }`, root, yes},
		{"a clause that excludes it", `{ $.userIdentity.type = "Root" && $.eventName != "CreateUser" }`, root, no},
		{"or", `{ $.eventName = "DeleteUser" || $.eventName = "CreateUser" }`, root, yes},
		{"and binds before or", `{ $.eventName = "CreateUser" || $.eventName = "x" && $.eventName = "y" }`, root, yes},
		{"case counts", `{ $.userIdentity.type = "root" }`, root, no},
		{"a star at the end", `{ $.eventName = "Create*" }`, root, yes},
		{"a star at the start", `{ $.eventName = *User }`, root, yes},
		{"a star for an address", `{ $.ip != 192.0.* }`, root, no},
		{"a property that is not there is not equal", `{ $.none = "x" }`, root, no},
		{"whether != holds for nothing AWS does not say", `{ $.none != "x" }`, root, unknown},
		{"what is unknown does not matter beside a no", `{ $.none != "x" && $.n = 4 }`, root, no},
		{"what is unknown does not matter beside a yes", `{ $.none != "x" || $.n = 3 }`, root, yes},
		{"numbers compare as numbers", `{ $.n = 3.0 }`, root, yes},
		{"more than", `{ $.n > 2 }`, root, yes},
		{"not less than or equal", `{ $.n <= 2 }`, root, no},
		{"zero is not more than zero", `{ $.zero > 0 }`, root, no},
		{"IS TRUE", `{ $.on IS TRUE }`, root, yes},
		{"IS FALSE", `{ $.off is false }`, root, yes},
		{"a number is not TRUE", `{ $.n IS TRUE }`, root, no},
		{"IS NULL", `{ $.nil IS NULL }`, root, yes},
		{"what is not there is not NULL", `{ $.none IS NULL }`, root, no},
		{"NULL exists", `{ $.nil NOT EXISTS }`, root, no},
		{"an element", `{ $.list[1].a = 2 }`, root, yes},
		{"an element that is not there", `{ $.list[2].a = 2 }`, root, no},
		{"every element", `{ $.list[*].a = 2 }`, root, yes},
		{"a quoted name", `{ $.['a.b'] = "x" }`, root, yes},
		{"a regular expression", `{ $.eventName = %^Create|^Delete% }`, root, yes},
		{"not a regular expression", `{ $.eventName != %^Create% }`, root, no},
		{"JSON of an event that is none", `{ $.a = 1 }`, "plain text", no},
		{"an empty pattern", ``, "anything", yes},
		{"a term", `ERROR`, "an ERROR here", yes},
		{"all terms", `ERROR here`, "an ERROR now", no},
		{"a phrase", `"an ERROR"`, "an ERROR here", yes},
		{"an excluded term", `ERROR -here`, "an ERROR here", no},
		{"one of the optional terms", `?WARN ?ERROR`, "an ERROR here", yes},
		{"none of the optional terms", `?WARN ?FATAL`, "an ERROR here", no},
		{"optional terms beside others do not count", `an ?FATAL`, "an ERROR here", yes},
		{"a regular expression alone", `%4[0-9][0-9]%`, "got 404", yes},
		{"fields", `[ip, user, code = 4*, size]`, "192.0.2.1 ann 404 12", yes},
		{"too few fields", `[ip, user]`, "192.0.2.1 ann 404", no},
		{"fields and dots", `[ip, ..., size > 10]`, "192.0.2.1 a b c 12", yes},
		{"fields held together", `[ip, time, request = *html*, code]`, `192.0.2.1 [1 Nov 2026] "GET /x.html" 200`, yes},
		{"alternatives in a field", `[code = 404 || code = 410]`, "410", yes},
		{"all of a field", `[code != 4* && code != 5*]`, "404", no},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := filterpattern.Parse(c.pattern)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Match([]byte(c.event)); got != c.want {
				t.Errorf("%s: got %v, want %v", c.pattern, got, c.want)
			}
		})
	}
}

func TestParseNamesThePlace(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		offset        int
	}{
		{"no end", `{ $.a = "x" `, 12},
		{"no value", `{ $.a = }`, 8},
		{"no property", `{ a = 1 }`, 2},
		{"a dollar alone", `{ $ = 1 }`, 3},
		{"an open quotation mark", `{ $.a = "x }`, 12},
		{"an open parenthesis", `{ ($.a = 1 }`, 11},
		{"a text that is compared by size", `{ $.a > x }`, 9},
		{"a group in a regular expression", `{ $.a = %(x)% }`, 9},
		{"more after the end", `{ $.a = 1 } x`, 12},
		{"the guide's dotted keys", `{"eventName": "ConsoleLogin", "userIdentity.type": "Root"}`, 1},
		{"NOT alone", `{ $.a NOT }`, 10},
		{"fields without an end", `[a, b`, 5},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := filterpattern.Parse(c.pattern)
			var at *filterpattern.Error
			if !errors.As(err, &at) || at.Offset != c.offset {
				t.Errorf("got %v, want an error at offset %d", err, c.offset)
			}
		})
	}
}

func FuzzMatch(f *testing.F) {
	for _, p := range []string{`{ $.a[0].b = "x*" && ($.c IS NULL || $.d NOT EXISTS) }`, `[a, b > 1, ...]`, `?a -b "c d"`, `%a+%`} {
		f.Add(p, root)
	}
	f.Fuzz(func(t *testing.T, pattern, event string) {
		if p, err := filterpattern.Parse(pattern); err == nil {
			p.Match([]byte(event))
		}
	})
}
