package ask

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/access"
	"github.com/rootkeep/rootkeep/internal/store"
	stored "github.com/rootkeep/rootkeep/internal/store/access"
	"github.com/rootkeep/rootkeep/internal/web"
)

// Holding is what the newest scan says that an account is to its organization. The zero
// value is that no scan says it.
type Holding struct {
	Holder access.Holder
	Read   time.Time
}

// standing is what accounts are to their organization, by the newest scans; what is said is
// taken for those that no scan has read, and has to agree with the others. "" says nothing.
func (a *area) standing(ctx context.Context, accounts []rootkeep.AccountID, said string) (*stored.Standing, error) {
	s := &stored.Standing{Accounts: len(accounts), Unverified: []rootkeep.AccountID{}, Said: said != ""}
	if said != "" {
		var err error
		if s.Holder, err = parseHolder(said); err != nil {
			return nil, err
		}
	}
	err := a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		for _, account := range accounts {
			h, err := a.holding(ctx, r, account)
			if err != nil {
				return err
			}
			switch {
			case h.Holder == "":
				s.Unverified = append(s.Unverified, account)
				continue
			case s.Holder == "":
				s.Holder = h.Holder
			case s.Holder != h.Holder:
				return web.Refuse(http.StatusUnprocessableEntity, "cannot-be-asked", fmt.Sprintf(
					"account %s is %s, as a scan read it at %s, and not %s; hint: leave the holder out, and ask for accounts of one kind at a time",
					account, holderWords[h.Holder], h.Read.UTC().Format(time.RFC3339), holderWords[s.Holder]))
			}
			if s.Read.IsZero() || h.Read.Before(s.Read) {
				s.Read = h.Read
			}
		}
		return nil
	})
	if err == nil && s.Holder == "" {
		err = Invalid("no scan says what account %s is to its organization; hint: say the holder, one of %v", accounts[0], access.Holders())
	}
	slices.Sort(s.Unverified)
	return s, err
}

func (a *area) holding(ctx context.Context, r *store.Reader, account rootkeep.AccountID) (Holding, error) {
	if a.Holder == nil {
		return Holding{}, nil
	}
	return a.Holder(ctx, r, account)
}

// kept is the holder that a request was made for; otherwise is that of a request of which it
// was not kept.
func (a *area) kept(ctx context.Context, id, otherwise string) (holder string, err error) {
	err = a.view(ctx, func(ctx context.Context, r *store.Reader) error {
		s, err := stored.StandingOf(ctx, r, id)
		if holder = otherwise; s != nil {
			holder = string(s.Holder)
		}
		return err
	})
	return holder, err
}
