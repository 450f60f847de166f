//! Requests for jobs that run none.

use serde_json::json;

use crate::client::Azure;
use crate::ledger::Created;
use crate::seen::{Failure, Seen};
use crate::table::{Probe, row};
use crate::transport::Body;

pub(super) const PROBES: &[&Probe] = &[&Probe {
    id: "refused-job",
    sends: "PUT of a Spark job whose compute does not exist",
    writes: true,
    needs: &[],
    rows: &[row("the reasons for which a job is refused", &["absent compute"]).without(
        "an incomplete configuration, other modes of inputs, AMLToken: the job would start the pool if Azure accepted it",
    )],
    ask: |azure, seen| Box::pin(refused(azure, seen)),
}];

async fn refused(azure: &Azure, seen: &mut Seen) -> Result<(), Failure> {
    let (job, absent) = (azure.name(), azure.name());
    let conf = json!({
        "spark.driver.cores": "1", "spark.driver.memory": "2g", "spark.executor.cores": "2", "spark.executor.memory": "2g",
        "spark.executor.instances": "1",
    });
    let body = json!({"properties": {
        "jobType": "Spark",
        "codeId": format!("{}/codes/{absent}/versions/1", azure.target.workspace),
        "entry": {"sparkJobEntryType": "SparkJobPythonEntry", "file": "main.py"},
        "conf": conf,
        "computeId": azure.compute(&absent),
        "identity": {"identityType": "Managed"},
    }});
    azure.will_create(Created::Job(job.clone()));
    let put = azure.arm("PUT", &format!("{}/jobs/{job}", azure.target.workspace), azure.version(), Body::Json(body)).await?;
    seen.refusal("absent compute", &put);
    Ok(())
}
