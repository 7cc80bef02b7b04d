package provider

import (
	"slices"
	"time"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/iamsvc/entity"
)

type serviceCredential struct {
	owner                                                                       *cloud.User
	UserName, Status, ServiceName, ServiceUserName, ServiceSpecificCredentialId string
	ServicePassword                                                             string `aws:",secret"`
	CreateDate, ExpirationDate                                                  time.Time
}

type createServiceIn struct {
	entity.OnUser
	ServiceName       string `aws:",must"`
	CredentialAgeDays int
}

type serviceOut struct{ ServiceSpecificCredential serviceCredential }

func createServiceCredential(c *cloud.Call, in createServiceIn) (out serviceOut, err error) {
	u, err := in.User(c)
	switch {
	case err != nil:
		return out, err
	case !slices.Contains([]string{"codecommit.amazonaws.com", "cassandra.amazonaws.com", "bedrock.amazonaws.com"}, in.ServiceName):
		return out, cloud.Fail("NotSupportedService", 404, "Service %s does not support service-specific credentials.", in.ServiceName)
	}
	k := serviceCredential{u, u.Name, "Active", in.ServiceName, u.Name + "-at-" + string(c.Account.ID), c.Cloud.UniqueID("ACCA"), c.Cloud.Secret(44), c.Now, time.Time{}}
	if in.CredentialAgeDays > 0 {
		k.ExpirationDate = c.Now.AddDate(0, 0, in.CredentialAgeDays)
	}
	s := of(c.Account)
	s.credentials = append(s.credentials, k)
	return serviceOut{k}, nil
}

type listServiceIn struct {
	selfPaged
	ServiceName string
	AllUsers    bool
}

type serviceShape struct {
	UserName, Status, ServiceName, ServiceUserName, ServiceSpecificCredentialId string
	CreateDate, ExpirationDate                                                  time.Time
}

type servicesOut struct {
	ServiceSpecificCredentials []serviceShape
	entity.Page
}

func listServiceCredentials(c *cloud.Call, in listServiceIn) (out servicesOut, err error) {
	var only *cloud.User
	if !in.AllUsers {
		who, err := in.Subject(c)
		if err != nil || who.User == nil {
			return out, err
		}
		only = who.User
	}
	var all []serviceShape
	for _, k := range of(c.Account).credentials {
		if (only == nil || k.owner == only) && (in.ServiceName == "" || in.ServiceName == k.ServiceName) && c.Account.Users[k.owner.Name] == k.owner {
			all = append(all, serviceShape{k.owner.Name, k.Status, k.ServiceName, k.ServiceUserName, k.ServiceSpecificCredentialId, k.CreateDate, k.ExpirationDate})
		}
	}
	out.ServiceSpecificCredentials, out.Page, err = entity.Cut(c, in.Paged, all)
	return out, err
}

type deleteServiceIn struct {
	entity.OnSelf
	ServiceSpecificCredentialId string `aws:",must"`
}

type updateServiceIn struct {
	deleteServiceIn
	Status string `aws:",must"`
}

func updateServiceCredential(c *cloud.Call, in updateServiceIn) (cloud.None, error) {
	who, err := in.Subject(c)
	if err == nil {
		err = entity.CheckStatus(c, in.Status)
	}
	if err != nil {
		return cloud.None{}, err
	}
	s := of(c.Account)
	i := slices.IndexFunc(s.credentials, func(k serviceCredential) bool {
		return k.owner == who.User && k.ServiceSpecificCredentialId == in.ServiceSpecificCredentialId
	})
	if i < 0 {
		return cloud.None{}, noServiceCredential(in.ServiceSpecificCredentialId)
	}
	s.credentials[i].Status = in.Status
	return cloud.None{}, nil
}

func noServiceCredential(id string) error {
	return cloud.Fail("NoSuchEntity", 404, "Service Specific Credential %s does not exist.", id)
}

func deleteServiceCredential(c *cloud.Call, in deleteServiceIn) (cloud.None, error) {
	who, err := in.Subject(c)
	if err != nil {
		return cloud.None{}, err
	}
	s := of(c.Account)
	before := len(s.credentials)
	s.credentials = slices.DeleteFunc(s.credentials, func(k serviceCredential) bool {
		return k.owner == who.User && k.ServiceSpecificCredentialId == in.ServiceSpecificCredentialId
	})
	if len(s.credentials) == before {
		return cloud.None{}, noServiceCredential(in.ServiceSpecificCredentialId)
	}
	return cloud.None{}, nil
}
