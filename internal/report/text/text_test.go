package text

import (
	"encoding/json"
	"testing"
	"time"
	"unicode/utf8"
)

func TestVisible(t *testing.T) {
	for _, c := range []struct {
		name, in string
		limit    int
		want     string
	}{
		{"plain text stays", "aws-cli/2.31.0 md/Botocore#1.40", 0, "aws-cli/2.31.0 md/Botocore#1.40"},
		{"letters of other scripts stay", "Łukasz 東京 Ünal", 0, "Łukasz 東京 Ünal"},
		{"an escape sequence is shown", "a\x1b[31mb", 0, `a\x1b[31mb`},
		{"a one-byte control sequence introducer is shown", "a\u009b31mb", 0, `a\u009b31mb`},
		{"line ends and tabs are shown", "a\r\n\tb", 0, `a\x0d\x0a\x09b`},
		{"delete is shown", "a\x7f", 0, `a\x7f`},
		{"a right-to-left override is shown", "exe.\u202egnp", 0, `exe.\u202egnp`},
		{"an isolate is shown", "\u2066x\u2069", 0, `\u2066x\u2069`},
		{"zero-width characters are shown", "ad\u200bmin\u200d\ufeff", 0, `ad\u200bmin\u200d\ufeff`},
		{"a no-break space is shown", "a\u00a0b", 0, `a\u00a0b`},
		{"a Hangul filler is shown", "a\u3164b", 0, `a\u3164b`},
		{"a blank Braille pattern is shown", "a\u2800b", 0, `a\u2800b`},
		{"a variation selector is shown", "a\ufe0fb", 0, `a\ufe0fb`},
		{"a tag character is shown", "a\U000e0041", 0, `a\U000e0041`},
		{"private use is shown", "\ue000", 0, `\ue000`},
		{"a line separator is shown", "a\u2028b", 0, `a\u2028b`},
		{"one accent stays on its letter", "e\u0301", 0, "e\u0301"},
		{"a third accent is shown", "e\u0301\u0302\u0303", 0, "e\u0301\u0302" + `\u0303`},
		{"an accent without a letter is shown", "\u0301e", 0, `\u0301e`},
		{"broken UTF-8 is shown by its bytes", "a\xff\xc3", 0, `a\xff\xc3`},
		{"a real replacement character stays", "a\ufffdb", 0, "a\ufffdb"},
		{"long text is cut and counted", "abcdefgh", 5, "abcde...(3 more bytes)"},
		{"an escape is not cut in two", "abc\x1bd", 5, "abc...(2 more bytes)"},
		{"text as long as the limit stays", "東京東京", 4, "東京東京"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := Visible(c.in, c.limit); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func FuzzVisible(f *testing.F) {
	for _, s := range []string{"", "plain", "a\x1b[2J", "\u202egnp", "e\u0301\u0301\u0301", "\xff\xfe", "東京", "\U000e0041", `\x1b`} {
		f.Add(s, 0)
		f.Add(s, 3)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		got := Visible(s, limit)
		if !utf8.ValidString(got) {
			t.Fatalf("got invalid UTF-8 %q", got)
		}
		for _, r := range got {
			if !Shown(r) {
				t.Fatalf("got %U in %q, want visible characters only", r, got)
			}
		}
		if again := Visible(got, 0); again != got {
			t.Fatalf("got %q from %q, want no change the second time", again, got)
		}
		if n := utf8.RuneCountInString(got); limit > 0 && n > limit+len("...( more bytes)")+20 {
			t.Fatalf("got %d runes, want about %d at most", n, limit)
		}
	})
}

func TestInertKeepsTheValue(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"ASCII stays", `"a"`, `"a"`},
		{"letters stay", `"東"`, `"東"`},
		{"an override is escaped", "\"\u202e\"", `"\u202e"`},
		{"a tag character becomes a surrogate pair", "\"\U000e0041x\"", `"\udb40\udc41x"`},
		{"delete is escaped", "\"\x7f\"", `"\u007f"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(Inert([]byte(c.in)))
			if got != c.want {
				t.Fatalf("got %s, want %s", got, c.want)
			}
			var before, after string
			if err := json.Unmarshal([]byte(c.in), &before); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(got), &after); err != nil || after != before {
				t.Errorf("got %q, %v, want %q", after, err, before)
			}
		})
	}
}

func FuzzInert(f *testing.F) {
	f.Add("a\u202e\U000e0041\x7f<\xff")
	f.Fuzz(func(t *testing.T, s string) {
		src, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var before, after string
		if err := json.Unmarshal(src, &before); err != nil {
			t.Fatal(err)
		}
		inert := Inert(src)
		if err := json.Unmarshal(inert, &after); err != nil || after != before {
			t.Fatalf("got %q, %v, want %q", after, err, before)
		}
		for _, r := range string(inert) {
			if !Shown(r) {
				t.Fatalf("got %U in %q, want visible characters only", r, inert)
			}
		}
	})
}

func TestWords(t *testing.T) {
	night := time.Date(2026, 11, 20, 3, 11, 9, 0, time.UTC)
	for _, c := range []struct{ name, got, want string }{
		{"three digits have no comma", Grouped(999), "999"},
		{"thousands are grouped", Grouped(1204331), "1,204,331"},
		{"a negative number is grouped", Grouped(int64(-1000)), "-1,000"},
		{"one is singular", Counted(1, "event"), "1 event"},
		{"none is plural", Counted(0, "event"), "0 events"},
		{"match takes es", Counted(2, "match"), "2 matches"},
		{"address takes es", Counted(2, "address"), "2 addresses"},
		{"bytes stay bytes below a thousand", Bytes(999), "999 B"},
		{"a thousand bytes are a kilobyte", Bytes(1000), "1.0 kB"},
		{"what would round to 1000.0 takes the next unit", Bytes(999_960), "1.0 MB"},
		{"gigabytes", Bytes(5_310_000_000), "5.3 GB"},
		{"seconds", Span(37 * time.Second), "37s"},
		{"whole minutes have no seconds", Span(4 * time.Minute), "4m"},
		{"minutes and seconds", Span(931 * time.Second), "15m31s"},
		{"an hour and a second is an hour", Span(time.Hour + time.Second), "1h"},
		{"days and hours", Span(76 * time.Hour), "3d4h"},
		{"no time is zero seconds", Span(0), "0s"},
		{"an instant has no span", Period(night, night), "2026-11-20 03:11:09 UTC"},
		{"a period within a day names it once", Period(night, night.Add(931*time.Second)), "2026-11-20 03:11:09 to 03:26:40 UTC (15m31s)"},
		{"a period over days names both", Period(night, night.Add(48*time.Hour)), "2026-11-20 03:11:09 to 2026-11-22 03:11:09 UTC (2d)"},
		{"another zone is converted", Stamp(night.In(time.FixedZone("", 3600))), "2026-11-20 03:11:09"},
		{"one day is named once", Days(night, night), "2026-11-20"},
		{"the year is named once", Days(night, night.AddDate(0, 0, 2)), "2026-11-20..11-22"},
		{"two years are both named", Days(night, night.AddDate(1, 0, 0)), "2026-11-20..2027-11-20"},
		{"a list is made visible", List([]string{"a", "b\x1b"}, 0), `a, b\x1b`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.got != c.want {
				t.Errorf("got %q, want %q", c.got, c.want)
			}
		})
	}
}

func TestAccounts(t *testing.T) {
	three := []string{"111122223333", "222233334444", "333344445555"}
	for _, c := range []struct {
		one     string
		several []string
		further bool
		named   int
		want    string
	}{
		{"111122223333", nil, false, 8, "111122223333"},
		{"", nil, false, 8, ""},
		{"", three, false, 8, "3 accounts: 111122223333, 222233334444, 333344445555"},
		{"", three, false, 1, "3 accounts: 111122223333 and 2 more"},
		{"", three, true, 0, "more than 3 accounts"},
	} {
		if got := Accounts(c.one, c.several, c.further, c.named); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}
