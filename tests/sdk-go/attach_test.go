package sdk

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	ml "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"
)

func TestAttachWithoutAnIdentityShowsThePool(t *testing.T) {
	ws := newWorkspace(t)
	compute := spark(pool, nil)
	compute.Tags = map[string]*string{"team": to.Ptr("data"), "Env": to.Ptr("Prod")}
	compute.Properties.(*ml.SynapseSpark).Description = to.Ptr("nightly jobs")

	shown := ws.attach(t, "spark", compute)

	equal(t, "ID", folded(shown.ID), strings.ToLower(ws.id+"/computes/spark"))
	equal(t, "name", shown.Name, to.Ptr("spark"))
	equal(t, "type", shown.Type, to.Ptr("Microsoft.MachineLearningServices/workspaces/computes"))
	equal(t, "location", shown.Location, to.Ptr("eastus2"))
	equal(t, "tags", shown.Tags, compute.Tags)
	equal(t, "identity", shown.Identity, (*ml.ManagedServiceIdentity)(nil))
	properties := synapse(t, shown)
	equal(t, "state", properties.ProvisioningState, to.Ptr(ml.ProvisioningStateSucceeded))
	equal(t, "errors", len(properties.ProvisioningErrors), 0)
	equal(t, "resource", folded(properties.ResourceID), strings.ToLower(pool))
	equal(t, "attached", properties.IsAttachedCompute, to.Ptr(true))
	equal(t, "description", properties.Description, to.Ptr("nightly jobs"))
	equal(t, "pool", properties.Properties, &ml.SynapseSparkProperties{
		AutoPauseProperties: &ml.AutoPauseProperties{Enabled: to.Ptr(true), DelayInMinutes: to.Ptr[int32](15)},
		AutoScaleProperties: &ml.AutoScaleProperties{Enabled: to.Ptr(true), MinNodeCount: to.Ptr[int32](3), MaxNodeCount: to.Ptr[int32](10)},
		NodeCount:           to.Ptr[int32](3),
		NodeSize:            to.Ptr("Small"),
		NodeSizeFamily:      to.Ptr("MemoryOptimized"),
		PoolName:            to.Ptr("yogisparkpool"),
		ResourceGroup:       to.Ptr(group),
		SparkVersion:        to.Ptr("3.5"),
		SubscriptionID:      to.Ptr(subscription),
		WorkspaceName:       to.Ptr("yogi-synapse-ws"),
	})
	if age := time.Since(*properties.CreatedOn); age < 0 || age > 5*time.Minute {
		t.Errorf("created %s ago", age)
	}
	equal(t, "a GET afterwards", ws.get(t, "spark"), shown)

	equal(t, "PUT", ws.body(t), map[string]any{
		"location": "eastus2",
		"tags":     map[string]any{"team": "data", "Env": "Prod"},
		"properties": map[string]any{
			"computeType": "SynapseSpark", "resourceId": pool, "description": "nightly jobs",
		},
	})
}

func TestAttachWithASystemAssignedIdentityShowsItsPrincipal(t *testing.T) {
	ws := newWorkspace(t)
	shown := ws.attach(t, "spark", spark(pool, identity(ml.ManagedServiceIdentityTypeSystemAssigned)))

	equal(t, "type", shown.Identity.Type, to.Ptr(ml.ManagedServiceIdentityTypeSystemAssigned))
	equal(t, "length of the principal's ID", len(*shown.Identity.PrincipalID), len(tenant))
	equal(t, "tenant", shown.Identity.TenantID, to.Ptr(tenant))
	equal(t, "user-assigned identities", len(shown.Identity.UserAssignedIdentities), 0)
	equal(t, "PUT", ws.body(t)["identity"], map[string]any{"type": "SystemAssigned"})
}

// shownUsers compares the user-assigned identities of a compute with users. Azure changes the case of their IDs.
func shownUsers(t *testing.T, shown *ml.ManagedServiceIdentity) {
	t.Helper()
	found, expected := map[string]ml.UserAssignedIdentity{}, map[string]ml.UserAssignedIdentity{}
	for id, user := range shown.UserAssignedIdentities {
		found[strings.ToLower(id)] = *user
	}
	for id, user := range users {
		expected[strings.ToLower(id)] = user
	}
	equal(t, "user-assigned identities", found, expected)
}

func TestAttachWithUserAssignedIdentitiesShowsTheirPrincipalsAndClients(t *testing.T) {
	ws := newWorkspace(t)
	shown := ws.attach(t, "spark", spark(pool, identity(ml.ManagedServiceIdentityTypeUserAssigned, bothUsers()...)))

	equal(t, "type", shown.Identity.Type, to.Ptr(ml.ManagedServiceIdentityTypeUserAssigned))
	equal(t, "principal", shown.Identity.PrincipalID, (*string)(nil))
	equal(t, "tenant", shown.Identity.TenantID, (*string)(nil))
	shownUsers(t, shown.Identity)
}

func TestAttachWithBothKindsOfIdentityShowsBoth(t *testing.T) {
	ws := newWorkspace(t)
	both := ml.ManagedServiceIdentityTypeSystemAssignedUserAssigned
	shown := ws.attach(t, "spark", spark(pool, identity(both, bothUsers()...)))

	equal(t, "type", shown.Identity.Type, to.Ptr(both))
	equal(t, "length of the principal's ID", len(*shown.Identity.PrincipalID), len(tenant))
	equal(t, "tenant", shown.Identity.TenantID, to.Ptr(tenant))
	shownUsers(t, shown.Identity)
}

func TestAttachWithAMissingIdentityIsRefused(t *testing.T) {
	ws := newWorkspace(t)
	missing := identities + "/nobody"
	_, err := ws.begin(t, "spark", spark(pool, identity(ml.ManagedServiceIdentityTypeUserAssigned, missing)))
	answer := refused(t, err, 400, "FailedIdentityOperation")
	if !strings.Contains(answer.Error(), missing) {
		t.Errorf("the error does not name the identity: %v", answer)
	}
	_, err = ws.Get(t.Context(), group, ws.name, "spark", nil)
	refused(t, err, 404, "ResourceNotFound")
}

func TestAttachOfAMissingPoolFailsAndLeavesAFailedCompute(t *testing.T) {
	ws := newWorkspace(t)
	_, err := ws.put(t, "spark", spark(pools+"/nosuchpool", nil))
	// The status is that of the operation's answer.
	refused(t, err, 200, "UserError")

	left := synapse(t, ws.get(t, "spark"))
	equal(t, "state", left.ProvisioningState, to.Ptr(ml.ProvisioningStateFailed))
	equal(t, "number of errors", len(left.ProvisioningErrors), 1)
	equal(t, "code", left.ProvisioningErrors[0].Error.Code, to.Ptr("UserError"))
	if left.Properties != nil && left.Properties.SparkVersion != nil {
		t.Errorf("a Spark version is shown: %s", *left.Properties.SparkVersion)
	}

	// A failed compute can be attached to a pool that exists, and detached.
	equal(t, "state", synapse(t, ws.attach(t, "spark", spark(pool, nil))).ProvisioningState, to.Ptr(ml.ProvisioningStateSucceeded))
	ws.detach(t, "spark")
}

func TestAttachUnderTheNameOfAComputeOfAnotherTypeIsRefused(t *testing.T) {
	ws := newWorkspace(t)
	ws.seed(t, "cpucluster", map[string]any{"computeType": "AmlCompute", "resourceId": nil})
	before := ws.get(t, "cpucluster")
	if _, is := before.Properties.(*ml.AmlCompute); !is {
		t.Fatalf("the client shows a %T, not an AmlCompute", before.Properties)
	}

	_, err := ws.begin(t, "cpucluster", spark(pool, nil))
	refused(t, err, 400, "UserError")
	equal(t, "the cluster", ws.get(t, "cpucluster"), before)
}

func TestAttachToAnotherPoolUnderTheNameOfAnAttachedOneIsRefused(t *testing.T) {
	ws := newWorkspace(t)
	before := ws.attach(t, "spark", spark(pool, nil))
	_, err := ws.begin(t, "spark", spark(pools+"/othersparkpool", nil))
	refused(t, err, 400, "UserError")
	equal(t, "the compute", ws.get(t, "spark"), before)
}

func TestASecondWriteDuringAnOperationIsAConflict(t *testing.T) {
	azure.set(t, map[string]any{"operationDuration": "1h"})
	ws := newWorkspace(t)
	if _, err := ws.begin(t, "spark", spark(pool, nil)); err != nil {
		t.Fatal(err)
	}
	equal(t, "state", synapse(t, ws.get(t, "spark")).ProvisioningState, to.Ptr(ml.ProvisioningState("Creating")))

	_, err := ws.begin(t, "spark", spark(pool, nil))
	refused(t, err, 409, "Conflict")
	_, err = ws.BeginDelete(t.Context(), group, ws.name, "spark", ml.UnderlyingResourceActionDetach, nil)
	refused(t, err, 409, "Conflict")
}

func TestAnotherClientCanWaitForAnAttach(t *testing.T) {
	ws := newWorkspace(t)
	poller, err := ws.begin(t, "spark", spark(pool, nil))
	if err != nil {
		t.Fatal(err)
	}
	token, err := poller.ResumeToken()
	if err != nil {
		t.Fatal(err)
	}

	options := &ml.ComputeClientBeginCreateOrUpdateOptions{ResumeToken: token}
	resumed, err := newClient(t, secret).BeginCreateOrUpdate(t.Context(), group, ws.name, "spark", ml.ComputeResource{}, options)
	if err != nil {
		t.Fatal(err)
	}
	done, err := resumed.PollUntilDone(t.Context(), often)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "the compute", done.ComputeResource, ws.get(t, "spark"))
	equal(t, "PUTs", len(ws.sent(t, "PUT")), 1)
}

func TestAWrongSecretIsAnAuthenticationError(t *testing.T) {
	ws := newWorkspace(t)
	_, err := newClient(t, "wrong-"+secret).Get(t.Context(), group, ws.name, "spark", nil)
	var failed *azidentity.AuthenticationFailedError
	if !errors.As(err, &failed) {
		t.Fatalf("%v, and not an AuthenticationFailedError", err)
	}
	equal(t, "status", failed.RawResponse.StatusCode, 401)
	if !strings.Contains(err.Error(), "AADSTS7000215") {
		t.Errorf("the error has not Entra's code: %v", err)
	}
	equal(t, "requests for the compute", len(ws.sent(t, "GET")), 0)
}
