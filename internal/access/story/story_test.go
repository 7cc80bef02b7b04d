package story_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access/reconcile"
	"github.com/rootkeep/rootkeep/internal/access/story"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/ledger"
)

var (
	from = time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	to   = from.AddDate(0, 0, 1)
)

const account = rootkeep.AccountID("111122223333")

// told reads entries of one payload each, a minute after the other from an hour on.
func told(start time.Time, entries ...[4]string) *story.Story {
	r := story.New(from, to)
	for i, e := range entries {
		r.Add(story.Entry{
			N: int64(i), Entry: &ledger.Entry{Type: e[0], Subject: e[1], Actor: "system", Time: start.Add(time.Duration(i) * time.Minute)},
			Payloads: map[string][]byte{e[2]: []byte(e[3])},
		})
	}
	return r.Story()
}

func verdict(key string, at time.Time, v rootkeep.Verdict) string {
	var j reconcile.Judged
	j.ID, j.Time, j.Kind, j.Account, j.Of, j.Region, j.Source, j.Name = key, at, rootkeep.RootSignIn, account, account, "us-east-1", "signin.amazonaws.com", "ConsoleLogin"
	j.Verdict, j.Rule, j.Why = v, "no-request", "nothing covers it"
	text, err := json.Marshal([]any{map[string]any{"key": key, "event": j}})
	if err != nil {
		panic(err)
	}
	return string(text)
}

func whole(day time.Time) string {
	return fmt.Sprintf(`{"account":%q,"region":"","day":%q,"mask":16777215}`, account, day.Format(time.RFC3339))
}

func TestAbsenceIsClaimedWhereItIsKnown(t *testing.T) {
	both := "[" + whole(from) + "," + whole(to) + "]"
	noon := from.Add(12 * time.Hour)
	later := to.Add(time.Hour)
	for name, test := range map[string]struct {
		at      time.Time
		entries [][4]string
		want    story.Claim
		missing string
	}{
		"proven in all, and nothing happened": {later, [][4]string{{"root.coverage", "coverage", "coverage", both}}, story.Claim{Account: account, Made: true, Covered: true}, ""},
		"proven in all, and an event is explained": {later, [][4]string{{"root.coverage", "coverage", "coverage", both}, {"root.verdict", string(account), "verdicts", verdict("RU-A", noon, rootkeep.Explained)}},
			story.Claim{Account: account, Made: true, Covered: true, Explained: 1}, ""},
		"an event that nothing explains": {later, [][4]string{{"root.coverage", "coverage", "coverage", both}, {"root.verdict", string(account), "verdicts", verdict("RU-A", noon, rootkeep.Unexplained)}},
			story.Claim{Account: account, Covered: true}, "UNEXPLAINED"},
		"what is delivered behind the period is not proven": {later, [][4]string{{"root.coverage", "coverage", "coverage", "[" + whole(from) + "]"}}, story.Claim{Account: account}, "not proven complete"},
		"events of the period may still arrive":             {to, [][4]string{{"root.coverage", "coverage", "coverage", both}}, story.Claim{Account: account}, "may arrive until"},
		"an entry that cannot be read":                      {later, [][4]string{{"root.coverage", "coverage", "coverage", both}, {"root.verdict", string(account), "verdicts", `{"a":1}`}}, story.Claim{Account: account, Covered: true}, "not read"},
		"an entry whose payload is gone":                    {later, [][4]string{{"root.coverage", "coverage", "coverage", both}, {"root.verdict", string(account), "other", ``}}, story.Claim{Account: account, Covered: true}, "not read"},
	} {
		t.Run(name, func(t *testing.T) {
			s := told(test.at, test.entries...)
			if len(s.Claims) != 1 {
				t.Fatalf("got %+v, want one claim", s.Claims)
			}
			got := s.Claims[0]
			if why := strings.Join(got.Missing, "; "); !strings.Contains(why, test.missing) || (why == "") != (test.missing == "") {
				t.Errorf("missing: got %q, want %q", why, test.missing)
			}
			got.Missing = nil
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRegionsThatSomebodyMadeUpAreNotBelieved(t *testing.T) {
	var days []string
	for i := range 200 {
		days = append(days, strings.Replace(whole(from), `"region":""`, fmt.Sprintf(`"region":"r-%d"`, i), 1))
	}
	s := told(to.Add(time.Hour), [4]string{"root.coverage", "coverage", "coverage", "[" + whole(from) + "," + whole(to) + "," + strings.Join(days, ",") + "]"})
	if len(s.Claims) != 1 || s.Claims[0].Made || s.Claims[0].Covered {
		t.Errorf("got %+v, want no claim", s.Claims)
	}
}

func TestTheNewestVerdictHolds(t *testing.T) {
	at := from.Add(time.Hour)
	s := told(at, [4]string{"root.verdict", string(account), "verdicts", verdict("RU-A", at, rootkeep.Unexplained)}, [4]string{"root.verdict", string(account), "verdicts", verdict("RU-A", at, rootkeep.Explained)},
		[4]string{"root.verdict", string(account), "verdicts", verdict("RU-B", to, rootkeep.Unexplained)})
	if len(s.Verdicts) != 1 || s.Verdicts[0].Event.Verdict != rootkeep.Explained || s.Verdicts[0].Changes != 1 || s.Verdicts[0].Entry != 1 {
		t.Errorf("got %+v, want the explained one of the period", s.Verdicts)
	}
	if d := s.Judge(); len(d) != 1 || d[0].Told != rootkeep.Explained || d[0].Again != rootkeep.Unexplained {
		t.Errorf("judged again: got %+v, want another verdict", d)
	}
}

// The hash of a record is told once and stays; older entries tell none.
func TestTheHashOfARecordStays(t *testing.T) {
	at := from.Add(time.Hour)
	hash := approval.Sum([]byte("{}")).String()
	with := func(h string) [4]string {
		return [4]string{"root.verdict", string(account), "verdicts", strings.Replace(verdict("RU-A", at, rootkeep.Unexplained), `"key":"RU-A"`, `"key":"RU-A","record_sha256":`+h, 1)}
	}
	without := [4]string{"root.verdict", string(account), "verdicts", verdict("RU-A", at, rootkeep.Unexplained)}
	for name, test := range map[string]struct {
		entries [][4]string
		want    string // "none" for no hash
		gaps    int
	}{
		"an entry of before there was one":     {[][4]string{without}, "none", 0},
		"null":                                 {[][4]string{with("null")}, "none", 0},
		"a record that was not kept":           {[][4]string{with(`""`)}, "", 0},
		"one that came later":                  {[][4]string{without, with(`""`), with(`"` + hash + `"`)}, hash, 0},
		"one that is told again":               {[][4]string{with(`"` + hash + `"`), with(`"` + hash + `"`), with(`""`), without}, hash, 0},
		"another one":                          {[][4]string{with(`"` + hash + `"`), with(`"` + strings.Repeat("0", 64) + `"`)}, hash, 1},
		"what is no hash":                      {[][4]string{with(`"` + hash + `"`), with(`"SHA256"`)}, hash, 1},
		"what is no hash, and as long as one":  {[][4]string{with(`"` + hash + `"`), with(`"` + strings.Repeat("Z", 64) + `"`)}, hash, 1},
		"one of a verdict that cannot be read": {[][4]string{with(`"` + hash + `"`), with(`7`)}, hash, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := told(at, test.entries...)
			if len(s.Verdicts) != 1 || len(s.Gaps) != test.gaps {
				t.Fatalf("got %d verdicts, gaps %v, want one and %d", len(s.Verdicts), s.Gaps, test.gaps)
			}
			got := "none"
			if r := s.Verdicts[0].Record; r != nil {
				got = *r
			}
			if got != test.want || s.Verdicts[0].Records([]byte("{}")) != (test.want == hash) {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestARecordTellsTheEventOfItsVerdict(t *testing.T) {
	records, err := story.NewRecords()
	if err != nil {
		t.Fatal(err)
	}
	const raw = `{"eventVersion":"1.11","userIdentity":{"type":"Root","accountId":"111122223333"},"eventTime":"2026-09-01T01:00:00Z","eventSource":"iam.amazonaws.com","eventName":"DeleteUser","awsRegion":"us-east-1","eventID":"e-1","recipientAccountId":"111122223333","readOnly":false}`
	in, err := reconcile.NewIntake()
	if err != nil || len(in.Fields()) == 0 {
		t.Fatal(err)
	}
	v := &story.Verdict{Key: "RU-A"}
	v.Event.ID, v.Event.Time, v.Event.Kind, v.Event.Account, v.Event.Of, v.Event.Region = "e-1", from.Add(time.Hour), rootkeep.RootCall, account, account, "us-east-1"
	v.Event.Source, v.Event.Name, v.Event.Principal = "iam.amazonaws.com", "DeleteUser", "root of 111122223333"
	for name, test := range map[string]struct {
		raw  string
		want string // "" for a record that tells it
	}{
		"the record":          {raw, ""},
		"with spaces":         {"\n " + raw + " ", ""},
		"of another name":     {strings.Replace(raw, "DeleteUser", "CreateUser", 1), "another event"},
		"of another caller":   {strings.Replace(raw, `"Root"`, `"IAMUser"`, 1), "0 events"},
		"two records":         {raw + "," + raw, "2 events"},
		"one that breaks out": {raw + `]},{"Records":[` + raw, "e"},
		"none":                {"", "0 events"},
	} {
		t.Run(name, func(t *testing.T) {
			err := records.Tells(t.Context(), []byte(test.raw), v)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// FuzzStory lets anybody write what entries tell: a story comes out, twice the same.
func FuzzStory(f *testing.F) {
	f.Add("root.verdict", string(account), "verdicts", verdict("RU-A", from, rootkeep.Explained))
	f.Add("root.coverage", "coverage", "coverage", "["+whole(from)+"]")
	f.Add("root.session", "SC-1", "session", `{"access_key_id":"ASIA","account":"111122223333","end":"2026-09-01T02:00:00Z","name":"SC-1","start":"2026-09-01T01:00:00Z"}`)
	f.Add("change.requested", "CH-1", "request", `{}`)
	f.Add("change.entered", "CH-1", "session", `{"access_key":"ASIA","account":"111122223333","role":"x"}`)
	f.Add("root.requested", "RR-1", "request", `{}`)
	f.Add("root.audited", "RR-1", "holding", `{"account":"111122223333","password":true,"at":"2026-09-01T01:00:00Z"}`)
	f.Add("root.overridden", "RR-1", "told", `{"reason":"x","skipped":null}`)
	f.Add("incident.opened", "CS-1", "case", `{"act":"opened","at":"2026-09-01T01:00:00Z","cause":"root 1","severity":"high","state":"open"}`)
	f.Fuzz(func(t *testing.T, kind, subject, name, text string) {
		e := [4]string{kind, subject, name, text}
		s := told(from, e, e)
		files, err := s.Files()
		if err != nil {
			t.Skip(err) // a time that JSON cannot have
		}
		again, err := told(from, e, e).Files()
		if diff := cmp.Diff(files, again); err != nil || diff != "" {
			t.Errorf("got another story: %v %s", err, diff)
		}
		s.Judge()
	})
}
