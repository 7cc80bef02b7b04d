// Package ses is the simulated Amazon SES, API version 2: identities and mail that is
// sent. Who owns the addresses of the simulation confirms an identity at once; no mail
// leaves it.
//
// Source: Amazon SES API v2 Reference.
package ses

import (
	"bytes"
	"net/mail"
	"slices"
	"strings"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/wire"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "ses", Protocol: cloud.RESTJSON, Time: wire.Epoch, Codes: cloud.Codes{Invalid: "BadRequestException", Throttled: "TooManyRequestsException", Token: "BadRequestException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateEmailIdentity", create, cloud.At("POST /v2/email/identities")),
			cloud.Op("GetEmailIdentity", get, cloud.At("GET /v2/email/identities/{EmailIdentity}")),
			cloud.Op("DeleteEmailIdentity", drop, cloud.At("DELETE /v2/email/identities/{EmailIdentity}")),
			cloud.Op("SendEmail", send, cloud.At("POST /v2/email/outbound-emails"), cloud.Data),
		},
	}
}

// Mail is one message that was sent.
type Mail struct {
	ID, From string
	To       []string
	Raw      []byte // RFC 5322
}

// mailbox is that of an account in a Region.
type mailbox struct {
	identities map[string]bool
	sent       []Mail
}

func state(a *cloud.Account, region string) *mailbox {
	m := cloud.Regional[mailbox](a, region)
	if m.identities == nil {
		m.identities = map[string]bool{}
	}
	return m
}

// Sent is what an account sent from a Region, oldest first.
func Sent(a *cloud.Account, region string) []Mail { return slices.Clone(state(a, region).sent) }

type onIdentity struct {
	EmailIdentity string `aws:",uri"`
}

// On is the identity's ARN.
func (o *onIdentity) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("identity/" + o.EmailIdentity)}
}

type createIn struct {
	EmailIdentity string `aws:",must"`
}

// On is the ARN that the identity will have.
func (in *createIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("identity/" + in.EmailIdentity)}
}

type identityOut struct {
	IdentityType             string
	VerifiedForSendingStatus bool
}

func identity(name string) identityOut {
	if strings.Contains(name, "@") {
		return identityOut{"EMAIL_ADDRESS", true}
	}
	return identityOut{"DOMAIN", true}
}

func create(c *cloud.Call, in createIn) (identityOut, error) {
	m := state(c.Account, c.Region)
	if m.identities[in.EmailIdentity] {
		return identityOut{}, cloud.Fail("AlreadyExistsException", 400, "Email identity %s already exist.", in.EmailIdentity)
	}
	m.identities[in.EmailIdentity] = true
	return identity(in.EmailIdentity), nil
}

func get(c *cloud.Call, in onIdentity) (identityOut, error) {
	if !state(c.Account, c.Region).identities[in.EmailIdentity] {
		return identityOut{}, none(in.EmailIdentity)
	}
	return identity(in.EmailIdentity), nil
}

func drop(c *cloud.Call, in onIdentity) (cloud.None, error) {
	m := state(c.Account, c.Region)
	if !m.identities[in.EmailIdentity] {
		return cloud.None{}, none(in.EmailIdentity)
	}
	delete(m.identities, in.EmailIdentity)
	return cloud.None{}, nil
}

func none(name string) error {
	return cloud.Fail("NotFoundException", 404, "Email identity %s does not exist.", name)
}

// mostTo is how many recipients one message may have.
const mostTo = 50

type sendIn struct {
	FromEmailAddress string
	Destination      struct{ ToAddresses []string }
	Content          struct {
		Raw struct {
			Data []byte `aws:",must,secret"`
		} `aws:",must"`
	} `aws:",must"`
}

// On is the identity that sends: the address, or its domain.
func (in *sendIn) On(c *cloud.Call) cloud.Resource {
	name := in.FromEmailAddress
	if _, domain, ok := strings.Cut(name, "@"); ok && !state(c.Account, c.Region).identities[name] {
		name = domain
	}
	return cloud.Resource{ARN: c.ARN("identity/" + name)}
}

type sendOut struct{ MessageId string }

func send(c *cloud.Call, in sendIn) (out sendOut, err error) {
	m := state(c.Account, c.Region)
	_, domain, _ := strings.Cut(in.FromEmailAddress, "@")
	message, err := mail.ReadMessage(bytes.NewReader(in.Content.Raw.Data))
	switch {
	case err != nil || message.Header.Get("From") == "":
		return out, c.Invalid("The raw message is no mail.")
	case len(in.Destination.ToAddresses) == 0 || len(in.Destination.ToAddresses) > mostTo:
		return out, c.Invalid("Recipient count exceeds %d.", mostTo)
	case !m.identities[in.FromEmailAddress] && !m.identities[domain]:
		return out, cloud.Fail("MessageRejected", 400, "Email address is not verified. The following identities failed the check in region %s: %s", strings.ToUpper(c.Region), in.FromEmailAddress)
	}
	out.MessageId = c.Cloud.UUID() + "-000000"
	m.sent = append(m.sent, Mail{out.MessageId, in.FromEmailAddress, in.Destination.ToAddresses, in.Content.Raw.Data})
	return out, nil
}
