package hunts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rootkeep/rootkeep/internal/report/text"
	"github.com/rootkeep/rootkeep/internal/store"
)

// Number is how often root was used, with what is proven of the time.
type Number struct {
	Since, Until     time.Time // Until is the end of the last whole day
	Sessions, Events int64     // from Since until now
	Coverage         Coverage  // of the whole days
}

// Approval is what is known of the requests behind uses of root: nothing, as long as
// there are no requests. Unknown is not approved.
const Approval = "approval not checked"

// NumberOf counts over a number of whole days, and today.
func NumberOf(ctx context.Context, r *store.Reader, s Sight, now time.Time, days int) (Number, error) {
	n := Number{Until: now.UTC().Truncate(24 * time.Hour)}
	n.Since = n.Until.AddDate(0, 0, -days)
	var err, err2 error
	n.Sessions, n.Events, err = CountSessions(ctx, r, s, n.Since, now.Add(time.Hour))
	n.Coverage, err2 = CoverageOf(ctx, r, s, Period{Since: n.Since, Until: n.Until})
	return n, errors.Join(err, err2)
}

// Value is the number in words. None is claimed only of what is proven.
func (n Number) Value() string {
	switch {
	case n.Sessions > 0:
		return text.Grouped(n.Sessions) + " seen"
	case n.Coverage.Complete():
		return "none"
	case n.Coverage.Accounts == 0:
		return "not known"
	}
	return "none seen"
}

// Note says what the value rests on.
func (n Number) Note() string {
	switch {
	case n.Sessions > 0:
		return Approval
	case n.Coverage.Complete():
		return "proven: the logs are complete"
	case n.Coverage.Accounts == 0:
		return "no hunt has been sent"
	}
	return "this is not proof of absence"
}

// Percent is the share of proven hours in words, rounded down: 100 % is all of them.
func (c Coverage) Percent() string {
	if c.Hours == 0 {
		return "0 %"
	}
	tenths := 1000 * c.Proven / c.Hours
	if tenths%10 == 0 {
		return fmt.Sprintf("%d %%", tenths/10)
	}
	return fmt.Sprintf("%d.%d %%", tenths/10, tenths%10)
}

// Words says how many hours are proven.
func (c Coverage) Words() string {
	return fmt.Sprintf("%s of %s of %s proven", text.Grouped(c.Proven), text.Counted(c.Hours, "hour"), text.Counted(c.Accounts, "account"))
}
