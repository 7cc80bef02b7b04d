package hunts

import (
	"context"
	"database/sql"
	"fmt"
	"math/bits"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/clause"
)

const secondsOfDay = 24 * 60 * 60

// dayOf is the number of a day, UTC, since 1970.
func dayOf(t time.Time) int64 {
	s := t.Unix()
	if s < 0 {
		s -= secondsOfDay - 1
	}
	return s / secondsOfDay
}

func (h *Result) takeSignIns(ctx context.Context, tx *store.Tx) error {
	return inParts(h.SignIns, func(part []rootkeep.SignIn) error {
		var rows clause.Rows
		met := map[string]bool{}
		for i := range part {
			s := &part[i]
			at := store.Micros(s.Time)
			key := fingerprint(s.ID, fmt.Sprint(at), string(s.Account), s.Principal, s.Address, fmt.Sprint(s.Root, s.Failed))
			if met[key] {
				continue
			}
			met[key] = true
			rows.Add(key, dayOf(s.Time), at, store.Kept(string(s.Account), short), flag(s.Root), flag(s.Failed), store.Kept(s.Address, short), store.Kept(s.Country, short),
				store.Kept(s.MFA, short), store.Kept(s.Principal, long), h.ID)
		}
		_, err := tx.Exec(ctx, `INSERT INTO sign_in (id, day, at, account, root, failed, address, country, mfa, principal, hunt) VALUES `+rows.String()+`
			ON CONFLICT (id) DO UPDATE SET country = CASE WHEN sign_in.country = '' THEN excluded.country ELSE sign_in.country END`, rows.Args...)
		return err
	})
}

// Period narrows what is counted; an empty account is all in sight.
type Period struct {
	Account      rootkeep.AccountID
	Since, Until time.Time // whole days, half-open
}

func (p Period) where(s Sight) *clause.Where {
	w := &clause.Where{}
	s.Keep(w, "account")
	if p.Account != "" {
		w.And("account = ?", string(p.Account))
	}
	w.And("day >= ?", dayOf(p.Since))
	w.And("day < ?", dayOf(p.Until))
	return w
}

// Days are the days of the period, the earliest first.
func (p Period) Days() []time.Time {
	var out []time.Time
	for d := dayOf(p.Since); d < dayOf(p.Until); d++ {
		out = append(out, time.Unix(d*secondsOfDay, 0).UTC())
	}
	return out
}

// SignInDay counts the sign-ins of one day.
type SignInDay struct {
	Day                              time.Time
	Root, RootFailed, Others, Failed int64 // Failed: of others
}

// SignInDays counts sign-ins by day, a row for each day of the period.
func SignInDays(ctx context.Context, r *store.Reader, s Sight, p Period) ([]SignInDay, error) {
	days := p.Days()
	out := make([]SignInDay, len(days))
	for i, d := range days {
		out[i].Day = d
	}
	w := p.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var day, root, failed, n int64
		if err := rows.Scan(&day, &root, &failed, &n); err != nil {
			return err
		}
		d := &out[day-dayOf(p.Since)]
		switch {
		case root == 1 && failed == 1:
			d.RootFailed = n
		case root == 1:
			d.Root = n
		case failed == 1:
			d.Failed = n
		default:
			d.Others = n
		}
		return nil
	}, `SELECT day, root, failed, COUNT(*) FROM sign_in`+w.String()+` GROUP BY day, root, failed`, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("count sign-ins by day: %w", err)
	}
	return out, nil
}

// Origin counts the sign-ins from one country, "" for unknown.
type Origin struct {
	Country            string
	SignIns, Failed, N int64 // N is both
}

// Origins counts sign-ins by country, the most first.
func Origins(ctx context.Context, r *store.Reader, s Sight, p Period) ([]Origin, error) {
	w := p.where(s)
	var out []Origin
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var o Origin
		if err := rows.Scan(&o.Country, &o.Failed, &o.N); err != nil {
			return err
		}
		o.SignIns = o.N - o.Failed
		out = append(out, o)
		return nil
	}, `SELECT country, SUM(failed), COUNT(*) FROM sign_in`+w.String()+` GROUP BY country ORDER BY 3 DESC, 1 LIMIT 300`, w.Args...)
	if err != nil {
		return nil, fmt.Errorf("count sign-ins by country: %w", err)
	}
	return out, nil
}

// takeHours adds what the hunt proves to what is proven.
func (h *Result) takeHours(ctx context.Context, tx *store.Tx) error {
	type place struct {
		account rootkeep.AccountID
		day     int64
	}
	masks := map[place]int64{}
	var order []place
	for _, s := range h.Hours {
		for t := s.From.Add(time.Hour - 1).Truncate(time.Hour); !t.Add(time.Hour).After(s.To); t = t.Add(time.Hour) {
			at := place{s.Account, dayOf(t)}
			if masks[at] == 0 {
				order = append(order, at)
			}
			masks[at] |= 1 << t.UTC().Hour()
		}
	}
	for _, at := range order {
		if err := Prove(ctx, tx, at.account, at.day, masks[at]); err != nil {
			return err
		}
	}
	return nil
}

// Prove adds hours of a day, counted from 1970, to what is proven of an account: bit 0 of
// the mask is the first hour, UTC.
func Prove(ctx context.Context, tx *store.Tx, account rootkeep.AccountID, day, mask int64) error {
	var was int64
	err := tx.Row(ctx, `SELECT COALESCE(MAX(mask), 0) FROM proven_day WHERE account = $1 AND day = $2`, string(account), day).Scan(&was)
	if err != nil {
		return err
	}
	if mask |= was; mask == was {
		return nil
	}
	_, err = tx.Exec(ctx, `INSERT INTO proven_day (account, day, mask, hours) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account, day) DO UPDATE SET mask = excluded.mask, hours = excluded.hours`, string(account), day, mask, bits.OnesCount64(uint64(mask)))
	return err
}

// Coverage says how many hours are proven of those that a period has in the accounts in
// sight that hunts told of.
type Coverage struct {
	Accounts      int
	Proven, Hours int64
}

// Complete says whether every hour is proven: only then is absence known.
func (c Coverage) Complete() bool { return c.Hours > 0 && c.Proven == c.Hours }

// CoverageOf counts the proven hours of a period.
func CoverageOf(ctx context.Context, r *store.Reader, s Sight, p Period) (Coverage, error) {
	c := Coverage{Accounts: 1}
	if p.Account == "" {
		known, err := inSight(ctx, r, s)
		if err != nil {
			return c, err
		}
		c.Accounts = len(known)
	}
	w := p.where(s)
	if err := r.Row(ctx, `SELECT COALESCE(SUM(hours), 0) FROM proven_day`+w.String(), w.Args...).Scan(&c.Proven); err != nil {
		return c, fmt.Errorf("count proven hours: %w", err)
	}
	c.Hours = int64(c.Accounts) * 24 * (dayOf(p.Until) - dayOf(p.Since))
	return c, nil
}

// ProvenDays gives for each day of the period, the earliest first, in how many of the
// accounts each hour is proven.
func ProvenDays(ctx context.Context, r *store.Reader, s Sight, p Period) ([][24]int, error) {
	out := make([][24]int, len(p.Days()))
	w := p.where(s)
	err := store.Each(ctx, r, func(rows *sql.Rows) error {
		var day, mask int64
		if err := rows.Scan(&day, &mask); err != nil {
			return err
		}
		for hour := range 24 {
			out[day-dayOf(p.Since)][hour] += int(mask >> hour & 1)
		}
		return nil
	}, `SELECT day, mask FROM proven_day`+w.String(), w.Args...)
	if err != nil {
		return nil, fmt.Errorf("read proven hours: %w", err)
	}
	return out, nil
}
