package rootlog

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/cloudtrail/digest"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
	"github.com/rootkeep/rootkeep/internal/store/hunts"
	"github.com/rootkeep/rootkeep/internal/store/sight"
	"github.com/rootkeep/rootkeep/ledger"
)

// Covered are hours of a day of which the log of an account was proven complete.
type Covered struct {
	Account rootkeep.AccountID `json:"account"`
	Region  rootkeep.Region    `json:"region"` // "" for all of them
	Day     time.Time          `json:"day"`    // its first moment, UTC
	Mask    int64              `json:"mask"`   // bit 0 is the first hour
}

const (
	secondsOfDay = 24 * 60 * 60
	allHours     = 1<<24 - 1
	mostCovered  = 10000 // of one call
)

// Cover adds hours to what is proven. by is who verified the logs. It records what is new as
// root.coverage, and tells what Judge has to look at: what became of requests depends on it.
func Cover(ctx context.Context, tx *store.Tx, by string, proven []Covered) (Touched, error) {
	if len(proven) == 0 || len(proven) > mostCovered {
		return nil, fmt.Errorf("coverage of %d days, want 1 to %d at once", len(proven), mostCovered)
	}
	touched, fresh := Touched{}, []Covered{}
	for _, c := range proven {
		known, err := c.known(ctx, &tx.Reader)
		if err != nil {
			return nil, err
		}
		if known {
			continue
		}
		if err := c.keep(ctx, tx); err != nil {
			return nil, err
		}
		fresh = append(fresh, c)
		touched.Add(c.Account, c.Day)
		touched.Add(c.Account, c.Day.AddDate(0, 0, 1))
	}
	if len(fresh) == 0 {
		return touched, nil
	}
	text, err := json.Marshal(fresh)
	if err != nil {
		return nil, err
	}
	tx.Announce(access.RequestKind, "coverage")
	return touched, tx.Record(access.RequestKind+".coverage", "coverage", by, ledger.NewPayload("coverage", text))
}

// known says whether all the hours are proven already.
func (c *Covered) known(ctx context.Context, r *store.Reader) (bool, error) {
	query, args := `SELECT COALESCE(MAX(mask), 0) FROM proven_day WHERE account = $1 AND day = $2`, []any{string(c.Account), floorDay(c.Day)}
	if c.Region != "" {
		query, args = `SELECT COALESCE(MAX(mask), 0) FROM root_coverage WHERE account = $1 AND day = $2 AND region = $3`, append(args, string(c.Region))
	}
	var mask int64
	if err := r.Row(ctx, query, args...).Scan(&mask); err != nil {
		return false, fmt.Errorf("read what is proven of account %s: %w", c.Account, err)
	}
	return c.Mask > 0 && c.Day.Equal(c.Day.Truncate(24*time.Hour)) && mask&c.Mask == c.Mask, nil
}

func (c *Covered) keep(ctx context.Context, tx *store.Tx) error {
	if _, err := rootkeep.ParseAccountID(string(c.Account)); err != nil {
		return fmt.Errorf("coverage: %w", err)
	}
	if c.Day.Unix()%secondsOfDay != 0 || c.Day.Nanosecond() != 0 || c.Mask <= 0 || c.Mask > allHours {
		return fmt.Errorf("coverage of account %s: want whole hours of a day that begins at midnight UTC", c.Account)
	}
	day := c.Day.Unix() / secondsOfDay
	if c.Region == "" {
		if err := hunts.Prove(ctx, tx, c.Account, day, c.Mask); err != nil {
			return fmt.Errorf("keep coverage of account %s: %w", c.Account, err)
		}
		return nil
	}
	if err := approval.CheckText("Region", string(c.Region), 64); err != nil {
		return fmt.Errorf("coverage of account %s: %w", c.Account, err)
	}
	_, err := tx.Exec(ctx, `INSERT INTO root_coverage (account, region, day, mask) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, region, day) DO UPDATE SET mask = root_coverage.mask | excluded.mask`, string(c.Account), string(c.Region), day, c.Mask)
	if err != nil {
		return fmt.Errorf("keep coverage of account %s: %w", c.Account, err)
	}
	return nil
}

// CoverageOf lists what is proven of an account in a time, by day and Region: Region is ""
// for hours that are proven in all.
func CoverageOf(ctx context.Context, r *store.Reader, account rootkeep.AccountID, since, until time.Time) ([]Covered, error) {
	var out []Covered
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		c := Covered{Account: account}
		var day int64
		err := rows.Scan(&c.Region, &day, &c.Mask)
		c.Day = time.Unix(day*secondsOfDay, 0).UTC()
		out = append(out, c)
		return err
	}, `SELECT region, day, mask FROM root_coverage WHERE account = $1 AND day >= $2 AND day <= $3
		UNION ALL SELECT '', day, mask FROM proven_day WHERE account = $1 AND day >= $2 AND day <= $3 ORDER BY 2, 1`,
		string(account), floorDay(since), floorDay(until))
	if err != nil {
		return nil, fmt.Errorf("read what is proven of account %s: %w", account, err)
	}
	return out, nil
}

// signInRegion is where root signs in, whatever else is used.
const signInRegion rootkeep.Region = "us-east-1"

// Proof is what is proven of accounts in a time, as absence is judged by it. A Region that
// events of an account name, and of which nothing is proven, is there without spans.
func Proof(ctx context.Context, r *store.Reader, accounts []rootkeep.AccountID, since, until time.Time) (digest.Coverage, error) {
	var out digest.Coverage
	for _, a := range accounts {
		proven, err := CoverageOf(ctx, r, a, since, until)
		if err != nil {
			return nil, err
		}
		seen, err := store.Texts(ctx, r, `SELECT DISTINCT region FROM root_event WHERE account = $1 AND at >= $2 AND at <= $3 AND region <> '' ORDER BY region`,
			string(a), store.Micros(since), store.Micros(until))
		if err != nil {
			return nil, fmt.Errorf("read the Regions of account %s: %w", a, err)
		}
		spans := map[rootkeep.Region][]digest.Span{}
		for _, region := range seen {
			spans[rootkeep.Region(region)] = nil
		}
		for _, c := range proven {
			at := c.Region
			if at == "" {
				at = signInRegion
			}
			if _, known := spans[at]; !known {
				spans[at] = nil
			}
		}
		for _, c := range proven {
			for region := range spans {
				if c.Region == "" || c.Region == region {
					spans[region] = append(spans[region], c.spans()...)
				}
			}
		}
		for _, region := range slices.Sorted(maps.Keys(spans)) {
			out = append(out, digest.RegionCoverage{Account: a, Region: region, Spans: spans[region]})
		}
	}
	return out, nil
}

// spans are the hours of the day.
func (c *Covered) spans() []digest.Span {
	var out []digest.Span
	for hour := range 24 {
		if c.Mask>>hour&1 == 1 {
			from := c.Day.Add(time.Duration(hour) * time.Hour)
			out = append(out, digest.Span{From: from, To: from.Add(time.Hour), State: digest.Proven})
		}
	}
	return out
}

func floorDay(t time.Time) int64 {
	return t.UTC().Truncate(secondsOfDay*time.Second).Unix() / secondsOfDay
}

// Number is how often root was used in a time, and what is proven of it. A use is a session
// of root itself; one with an event that nothing covers is unexplained.
type Number struct {
	Since, Until time.Time // Until is the end of the last whole day
	Explained    int64     // drills and what AWS services did are not among them
	Drills       int64
	Unexplained  int64
	Unjudged     int64 // sessions with events that have no verdict yet
	Coverage     hunts.Coverage
}

// Claim says whether "no unexplained root use" may be said of the time: only if every hour
// of every account is proven, and every event has a verdict.
func (n *Number) Claim() bool {
	return n.Unexplained == 0 && n.Unjudged == 0 && n.Coverage.Complete()
}

// NumberOf counts over whole days, in the accounts in sight that anything is known of.
func NumberOf(ctx context.Context, r *store.Reader, s sight.Sight, since, until time.Time) (*Number, error) {
	n := &Number{Since: since.UTC().Truncate(24 * time.Hour), Until: until.UTC().Truncate(24 * time.Hour)}
	if !n.Since.Before(n.Until) {
		return nil, fmt.Errorf("uses of root from %s to %s: want one whole day or more", n.Since.Format(time.DateOnly), n.Until.Format(time.DateOnly))
	}
	w := clause.Where{}
	s.Keep(&w, "account")
	w.And("at >= ? AND at < ?", store.Micros(n.Since), store.Micros(n.Until))
	w.And("kind IN (?, ?, ?, ?)", string(rootkeep.RootSignIn), string(rootkeep.RootCall), string(rootkeep.RootKeyCall), string(rootkeep.AssumedRootCall))
	// Of a session the worst counts: not judged, not covered, a drill, explained.
	err := r.Row(ctx, `SELECT COALESCE(SUM(CASE WHEN worst = 3 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN worst = 2 THEN 1 ELSE 0 END), 0),
			COALESCE(SUM(CASE WHEN worst = 1 THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN worst = 0 THEN 1 ELSE 0 END), 0)
		FROM (SELECT MAX(CASE WHEN verdict = '' THEN 3 WHEN verdict = 'DRILL' THEN 1 WHEN verdict IN ('EXPLAINED', 'SERVICE') THEN 0 ELSE 2 END) AS worst
			FROM root_event`+w.String()+` GROUP BY account, session) AS sessions`, w.Args...).Scan(&n.Unjudged, &n.Unexplained, &n.Drills, &n.Explained)
	if err != nil {
		return nil, fmt.Errorf("count uses of root: %w", err)
	}
	n.Coverage, err = coverage(ctx, r, s, n.Since, n.Until)
	return n, err
}

// Lately is NumberOf over a number of whole days, with what root did today beside it: that
// is counted, though its hours cannot be proven yet.
func Lately(ctx context.Context, r *store.Reader, s sight.Sight, now time.Time, days int) (*Number, error) {
	n, err := NumberOf(ctx, r, s, now.AddDate(0, 0, -days), now)
	if err != nil {
		return nil, err
	}
	today, err := NumberOf(ctx, r, s, n.Until, n.Until.AddDate(0, 0, 1))
	if err != nil {
		return nil, err
	}
	n.Explained, n.Drills = n.Explained+today.Explained, n.Drills+today.Drills
	n.Unexplained, n.Unjudged = n.Unexplained+today.Unexplained, n.Unjudged+today.Unjudged
	return n, nil
}

// coverage counts the proven hours of all accounts in sight that scans, hunts, events or
// proofs told of: an account of which nothing is proven counts too, and the hours of one
// never stand in for those of another.
func coverage(ctx context.Context, r *store.Reader, s sight.Sight, since, until time.Time) (hunts.Coverage, error) {
	var c hunts.Coverage
	w := clause.Where{}
	s.Keep(&w, "id")
	if err := r.Row(ctx, `SELECT COUNT(*) FROM `+knownAccounts+w.String(), w.Args...).Scan(&c.Accounts); err != nil {
		return c, fmt.Errorf("count accounts: %w", err)
	}
	days := clause.Where{}
	s.Keep(&days, "account")
	days.And("day >= ? AND day < ?", floorDay(since), floorDay(until))
	if err := r.Row(ctx, `SELECT COALESCE(SUM(hours), 0) FROM proven_day`+days.String(), days.Args...).Scan(&c.Proven); err != nil {
		return c, fmt.Errorf("count proven hours: %w", err)
	}
	c.Hours = int64(c.Accounts) * 24 * (floorDay(until) - floorDay(since))
	return c, nil
}

// knownAccounts are those that anything is known of.
const knownAccounts = `(SELECT id FROM account UNION SELECT id FROM hunted_account UNION SELECT account FROM root_event UNION SELECT account FROM proven_day) AS known`

// Accounts lists the accounts in sight that anything is known of, by number.
func Accounts(ctx context.Context, r *store.Reader, s sight.Sight) ([]rootkeep.AccountID, error) {
	w := clause.Where{}
	s.Keep(&w, "id")
	w.And("id <> ''")
	list, err := store.Texts(ctx, r, `SELECT id FROM `+knownAccounts+w.String()+` ORDER BY id`, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("list accounts: %w", err)
	}
	out := make([]rootkeep.AccountID, len(list))
	for i, id := range list {
		out[i] = rootkeep.AccountID(id)
	}
	return out, nil
}

// Hours are hours of a day, UTC, of an account: bit 0 is the first.
type Hours struct {
	Account rootkeep.AccountID
	Day     time.Time
	Mask    int64
}

// Proven visits the hours in sight that are proven in all Regions, from a day on until before
// another, in no order. An empty account is all.
func Proven(ctx context.Context, r *store.Reader, s sight.Sight, account rootkeep.AccountID, since, until time.Time, visit func(Hours)) error {
	w := clause.Where{}
	s.Keep(&w, "account")
	if account != "" {
		w.And("account = ?", string(account))
	}
	w.And("day >= ? AND day < ?", floorDay(since), floorDay(until))
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var h Hours
		var day int64
		err := rows.Scan(&h.Account, &day, &h.Mask)
		h.Day = time.Unix(day*secondsOfDay, 0).UTC()
		if err == nil {
			visit(h)
		}
		return err
	}, `SELECT account, day, mask FROM proven_day`+w.String(), w.Args...)
	if err != nil {
		return fmt.Errorf("read proven hours: %w", err)
	}
	return nil
}
