package approvals

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/rootkeep/rootkeep/internal/approval"
	"github.com/rootkeep/rootkeep/internal/store"
)

// ErrUnproven is a request whose signatures do not suffice, whatever its row says.
var ErrUnproven = errors.New("the approvals do not hold")

// Proven is ErrUnproven unless enough persons, none of whom asked for it, edited it or
// takes part otherwise, signed this very request with their keys on a page of this server.
// It believes no row but the keys' and the signatures' own.
func (d *Desk) Proven(ctx context.Context, r *store.Reader, x *Matter) error {
	refuse := func(why string) error { return fmt.Errorf("request %s: %w: %s", x.ID, ErrUnproven, why) }
	switch {
	case x.State != approval.Approved:
		return refuse("it is " + string(x.State))
	case x.Request.ID != x.ID || x.Request.Policy != approval.Sum(x.Policy.Bytes()):
		return refuse("it is about something else, or another policy decided it")
	case x.Request.Subject != approval.Sum(x.Subject):
		return refuse("what it asks for was changed")
	}
	with, err := d.partiesOf(x)
	if err != nil {
		return refuse(err.Error())
	}
	list, err := Approvals(ctx, r, x.ID)
	if err != nil {
		return err
	}
	var good []*approval.Statement
	for i := range list {
		a := &list[i]
		if !a.Counts(x) {
			continue
		}
		checked, err := a.Record(x.Version, x.Policy).Check()
		switch {
		case err != nil:
			return refuse(err.Error())
		case a.Site != d.Site:
			return refuse("signed on a page of " + a.Site.Origin)
		case checked.Statement.Decision != approval.Approve:
			return refuse(checked.Statement.Approver + " denied it")
		}
		good = append(good, checked.Statement)
	}
	if _, met := x.Request.Tally(good, x.Policy, func(person string) bool { return !slices.Contains(with.Barred, person) }); !met {
		return refuse("too few signed it")
	}
	return nil
}
