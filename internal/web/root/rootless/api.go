package rootless

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

const tag = "root"

func (a *area) api(api *web.API) {
	web.Register(api, web.Operation{
		ID: "get-rootless-plan", Method: "GET", Path: "/root/rootless", Summary: "In which order members would lose their root credentials, what is lost, what is not known", Tag: tag,
		Need: people.Read, Time: surveyTime, AtOnce: atOnce,
		Description: "By the newest scans of the accounts that you may read. AWS is asked nothing.",
	}, a.apiPlan)
	web.Register(api, web.Operation{
		ID: "ask-rootless", Method: "POST", Path: "/root/rootless", Summary: "Ask for root over all members at once, to delete their credentials", Tag: tag,
		Need: people.Request, Status: http.StatusAccepted, Time: surveyTime, AtOnce: atOnce,
		Description: "A job plans the deletion in each account and then makes the request, whose ID is given at once. Accounts that refuse are left out, and named. A machine cannot ask.",
	}, a.apiAsk)
	web.Register(api, web.Operation{
		ID: "get-rootless", Method: "GET", Path: "/root/requests/{id}/rootless", Summary: "Where each account of such a request is", Tag: tag, Need: people.Read,
	}, a.apiReport)
	web.Register(api, web.Operation{
		ID: "apply-rootless", Method: "POST", Path: "/root/requests/{id}/rootless/application", Summary: "Have the credentials deleted, one account after the other, from where it is", Tag: tag,
		Need: people.Apply, Fresh: true, Status: http.StatusAccepted,
		Description: "It ends at the first account that does not end applied, and goes on there when it is asked for again, or without that account.",
	}, a.apiApply)
	web.Register(api, web.Operation{
		ID: "prove-rootless", Method: "POST", Path: "/root/requests/{id}/rootless/proof", Summary: "Have the root users of all members read again", Tag: tag,
		Need: people.Request, Status: http.StatusAccepted,
	}, a.apiProve)
}

type planInput struct {
	Management string `query:"management" pattern:"^[0-9]{12}$" doc:"Management account of the organization; left out where the server knows one alone"`
	Accounts   string `query:"account" maxLength:"8000" doc:"Only these members, joined by commas"`
	First      string `query:"first" maxLength:"1000" doc:"Canaries, in their order, joined by commas"`
	OldAfter   int    `query:"old_after_seconds" minimum:"1" maximum:"315360000" doc:"What was read longer ago is old; a week if it is left out"`
}

// chosen reads the accounts.
func (in *planInput) chosen() (c Chosen, err error) {
	c.Management, c.OldAfter = rootkeep.AccountID(in.Management), time.Duration(in.OldAfter)*time.Second
	if c.Accounts, err = accounts(in.Accounts); err != nil {
		return c, err
	}
	c.First, err = accounts(in.First)
	return c, err
}

// accounts reads numbers that are joined by commas or spaces.
func accounts(text string) ([]rootkeep.AccountID, error) {
	var out []rootkeep.AccountID
	for _, s := range strings.FieldsFunc(text, func(c rune) bool { return strings.ContainsRune(", \n\r\t", c) }) {
		id, err := rootkeep.ParseAccountID(s)
		if err != nil {
			return nil, web.Refuse(http.StatusUnprocessableEntity, "invalid", fmt.Sprint(err))
		}
		out = append(out, id)
	}
	return out, nil
}

type planOutput struct{ Body client.RootlessPlan }

func (a *area) apiPlan(ctx context.Context, in *planInput) (*planOutput, error) {
	c, err := in.chosen()
	if err != nil {
		return nil, err
	}
	p, err := a.Engine.Survey(ctx, web.ActorOf(ctx), c)
	if err != nil {
		return nil, err
	}
	return &planOutput{*p}, nil
}

type askInput struct{ Body client.RootlessAsk }

type statusOutput struct{ Body client.RootlessStatus }

// status is the answer of what changes something about a request.
func (a *area) status(ctx context.Context, id string, err error) (*statusOutput, error) {
	if err != nil {
		return nil, err
	}
	s, err := a.Engine.Report(ctx, web.ActorOf(ctx), id)
	if err != nil {
		return nil, err
	}
	return &statusOutput{*s}, nil
}

func (a *area) apiAsk(ctx context.Context, in *askInput) (*statusOutput, error) {
	id, err := a.Engine.Ask(ctx, web.ActorOf(ctx), in.Body)
	return a.status(ctx, id, err)
}

type oneInput struct {
	ID string `path:"id" maxLength:"64"`
}

func (a *area) apiReport(ctx context.Context, in *oneInput) (*statusOutput, error) {
	return a.status(ctx, in.ID, nil)
}

type applyInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body client.RootlessApply
}

func (a *area) apiApply(ctx context.Context, in *applyInput) (*statusOutput, error) {
	return a.status(ctx, in.ID, a.Engine.Apply(ctx, web.ActorOf(ctx), in.ID, in.Body))
}

func (a *area) apiProve(ctx context.Context, in *oneInput) (*statusOutput, error) {
	return a.status(ctx, in.ID, a.Engine.Prove(ctx, web.ActorOf(ctx), in.ID))
}
