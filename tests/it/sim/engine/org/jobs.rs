//! The org has no jobs: its windows are so small that none is asked for.

use syncdeck::crm::bulk::{JobId, JobKind, JobResult, JobRows, JobState, JobWrite, Jobs, Locator};
use syncdeck::crm::{Answer, ChangeQuery, Effect, WritePermit};
use syncdeck::domain::schema::ObjectInfo;

use super::{Org, trouble};

fn none<'a, T: Send + 'a>() -> Answer<'a, T> {
    Box::pin(async { Err(trouble("FEATURENOTENABLED", Effect::None)) })
}

impl Jobs for Org {
    fn start_read<'a>(&'a self, _: &'a ChangeQuery) -> Answer<'a, JobId> {
        none()
    }

    fn read_rows<'a>(
        &'a self,
        _: &'a ChangeQuery,
        _: &'a JobId,
        _: Option<&'a Locator>,
        _: usize,
    ) -> Answer<'a, JobRows> {
        none()
    }

    fn open_write<'a>(&'a self, _: &'a ObjectInfo, _: JobWrite<'a>) -> Answer<'a, JobId> {
        none()
    }

    fn release_write<'a>(
        &'a self,
        _: WritePermit,
        _: &'a ObjectInfo,
        _: &'a JobId,
        _: JobWrite<'a>,
    ) -> Answer<'a, ()> {
        none()
    }

    fn results<'a>(
        &'a self,
        _: &'a ObjectInfo,
        _: &'a JobId,
        _: JobWrite<'a>,
    ) -> Answer<'a, Vec<JobResult>> {
        none()
    }

    fn job_state<'a>(&'a self, _: JobKind, _: &'a JobId) -> Answer<'a, JobState> {
        none()
    }

    fn abort<'a>(&'a self, _: JobKind, _: &'a JobId) -> Answer<'a, ()> {
        none()
    }

    fn remove<'a>(&'a self, _: JobKind, _: &'a JobId) -> Answer<'a, ()> {
        none()
    }
}
