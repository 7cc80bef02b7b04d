package identity

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	accounttypes "github.com/aws/aws-sdk-go-v2/service/account/types"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awsread/call"
	"github.com/rootkeep/rootkeep/internal/facts"
)

// contactOperations tell whom AWS writes to.
func contactOperations() []call.Operation {
	return []call.Operation{
		{Action: "account:GetContactInformation", Read: contactInformation},
		{Action: "account:GetAlternateContact", Read: alternateContacts},
		{Action: "account:GetPrimaryEmail", Of: ownEmail, ReadOne: readOwnEmail, Untold: true},
	}
}

// noContact says that a contact is not set, which is an answer.
func noContact(err error) bool {
	var none *accounttypes.ResourceNotFoundException
	return errors.As(err, &none)
}

func contactInformation(ctx context.Context, p *call.Place) (any, error) {
	out, err := call.Ask(ctx, p, account.NewFromConfig(p.AWS).GetContactInformation, &account.GetContactInformationInput{})
	if err != nil && !noContact(err) {
		return nil, err
	}
	return call.Direct(func(f *facts.Facts) {
		f.Account.HasPhone = err == nil && out.ContactInformation != nil && aws.ToString(out.ContactInformation.PhoneNumber) != ""
	}), nil
}

func alternateContacts(ctx context.Context, p *call.Place) (any, error) {
	client := account.NewFromConfig(p.AWS)
	found := map[accounttypes.AlternateContactType]facts.Contact{}
	for i, kind := range []accounttypes.AlternateContactType{accounttypes.AlternateContactTypeSecurity, accounttypes.AlternateContactTypeBilling, accounttypes.AlternateContactTypeOperations} {
		if i > 0 {
			p.Plan(1)
		}
		out, err := call.Ask(ctx, p, client.GetAlternateContact, &account.GetAlternateContactInput{AlternateContactType: kind})
		switch {
		case noContact(err):
		case err != nil:
			return nil, err
		case out.AlternateContact == nil:
			return nil, errors.New("an answer without a contact")
		default:
			c := out.AlternateContact
			found[kind] = facts.Contact{Set: true, Email: aws.ToString(c.EmailAddress), Phone: aws.ToString(c.PhoneNumber)}
		}
	}
	return call.Direct(func(f *facts.Facts) {
		f.Account.SecurityContact = found[accounttypes.AlternateContactTypeSecurity]
		f.Account.BillingContact = found[accounttypes.AlternateContactTypeBilling]
		f.Account.OperationsContact = found[accounttypes.AlternateContactTypeOperations]
	}), nil
}

// ownEmail asks for the account's own root mail address if the account may: it has to
// be a delegated administrator for account management. Others need not try.
func ownEmail(s *facts.Snapshot) []call.Target {
	if slices.Contains(s.Facts.Organization.DelegatedServices, "account.amazonaws.com") {
		return []call.Target{{}}
	}
	return nil
}

func readOwnEmail(ctx context.Context, p *call.Place, _ call.Target) (any, error) {
	return rootEmail(ctx, p, p.Account)
}

// rootEmail asks for the mail address of a member's root user, as the management
// account or a delegated administrator may.
func rootEmail(ctx context.Context, p *call.Place, member rootkeep.AccountID) (call.Direct, error) {
	out, err := call.Ask(ctx, p, account.NewFromConfig(p.AWS).GetPrimaryEmail, &account.GetPrimaryEmailInput{AccountId: aws.String(string(member))})
	if err != nil {
		return nil, err
	}
	return func(f *facts.Facts) { f.Root.Email = aws.ToString(out.PrimaryEmail) }, nil
}
